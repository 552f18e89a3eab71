"""Targets: what is refused by its form, by its address, and what a receiver may allow."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import InvalidError, RefusedTargetError
from service.outbox.targets import Place, Target, admit, check_allowance, parse

PLACE = Place("https", "hooks.example.com", 443, "/")
ANY = Target(url="https://hooks.example.com/")


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://hooks.example.com", Place("https", "hooks.example.com", 443, "/")),
        ("https://Hooks.Example.COM:443/a/b?c=d%20e", Place("https", "hooks.example.com", 443, "/a/b?c=d%20e")),
        ("https://93.184.216.34/x", Place("https", "93.184.216.34", 443, "/x")),
        ("https://[2606:4700::1]/x", Place("https", "2606:4700::1", 443, "/x")),
        ("https://xn--bcher-kva.example/", Place("https", "xn--bcher-kva.example", 443, "/")),
        ("https://3com.example/", Place("https", "3com.example", 443, "/")),
    ],
)
def test_good_urls(url: str, place: Place) -> None:
    assert parse(Target(url=url)) == place


def test_what_is_connected_to_and_what_is_said() -> None:
    place = parse(Target(url="https://a.example:8443/x?y", allow_ports=(8443,)))
    assert place.authority == "a.example:8443"
    assert place.at(ip_address("2606:4700::1")) == "https://[2606:4700::1]:8443/x?y"
    assert parse(Target(url="https://[2606:4700::1]/")).authority == "[2606:4700::1]"


@pytest.mark.parametrize(
    ("target", "why"),
    [
        (Target(url="http://hooks.example.com/"), "https"),
        (Target(url="https://hooks.example.com:22/"), "port"),
        (Target(url="https://hooks.example.com:0/"), "port"),
        (Target(url="https://hooks.example.com:80/"), "port"),
        (Target(url="https://hooks.example.com:99999/"), "URL"),
        (Target(url="https://user@hooks.example.com/"), "user"),
        (Target(url="https://" + "a" * 64 + ".example/"), "host"),
        (Target(url="https://" + "a." * 130 + "example/"), "host"),
        (Target(url="https://a.example/" + "x" * 3000), "2048"),
        (Target(url=""), "scheme"),
    ],
)
def test_refused_by_form(target: Target, why: str) -> None:
    with pytest.raises(RefusedTargetError, match=why):
        parse(target)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.255", "168.63.129.16",  # noqa: S104
        "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1",
        "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1", "64:ff9b::a00:1",
        "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2001:10::1", "2002:7f00:1::", "2002:808:808::",
        "3fff::1", "4000::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1",
    ],
)  # fmt: skip
def test_refused_by_address(address: str) -> None:
    with pytest.raises(RefusedTargetError):
        admit(ANY, PLACE, [ip_address(address)])
    with pytest.raises(RefusedTargetError):  # one bad address among good ones is enough
        admit(ANY, PLACE, [ip_address("93.184.216.34"), ip_address(address)])


@pytest.mark.parametrize("address", ["93.184.216.34", "100.63.255.255", "172.32.0.1", "2606:4700::1", "64:ff9b::5db8:d822"])
def test_public_addresses(address: str) -> None:
    admit(ANY, PLACE, [ip_address(address)])


def test_no_address_is_none() -> None:
    with pytest.raises(RefusedTargetError):
        admit(ANY, PLACE, [])


@pytest.mark.parametrize(
    ("allowed", "address"),
    [
        ("127.0.0.0/8", "127.0.0.1"),
        ("10.1.2.3", "10.1.2.3"),
        ("hooks.example.com", "10.0.0.1"),
        ("::1", "::1"),
        ("fd00::/8", "fd12::1"),
    ],
)
def test_a_receiver_may_allow_what_is_private(allowed: str, address: str) -> None:
    check_allowance(allowed)
    target = Target(url=ANY.url, allow_private=(allowed,))
    admit(target, PLACE, [ip_address(address)])
    with pytest.raises(RefusedTargetError):
        admit(target, Place("https", "other.example", 443, "/"), [ip_address("192.168.7.7")])


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "0.0.0.0", "168.63.129.16", "fe80::1", "::ffff:127.0.0.1", "64:ff9b::a9fe:a9fe", "fd00:ec2::254"],  # noqa: S104
)
def test_some_are_never_allowed(address: str) -> None:
    target = Target(url=ANY.url, allow_private=("hooks.example.com", "0.0.0.0/0", "::/0"))
    with pytest.raises(RefusedTargetError, match="ever"):
        admit(target, PLACE, [ip_address(address)])


@pytest.mark.parametrize("text", ["", "10.0.0.0/33", "10.0.0.1/8", "a b", "*", "-x.example", "UPPER.example"])
def test_an_allowance_that_is_none(text: str) -> None:
    with pytest.raises(InvalidError):
        check_allowance(text)


@given(st.text(st.characters(codec="ascii") | st.sampled_from("/:@[]%#?\\."), max_size=60))
def test_whatever_is_given_it_is_taken_apart_or_refused(rest: str) -> None:
    try:
        place = parse(Target(url="https://" + rest))
    except RefusedTargetError:
        return
    assert place.port == 443
    assert not set(place.host) & set("/@%#?\\[] ")
    assert place.path.startswith("/")
