"""Whose an account is: names and peers as of then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from features.accounts import Account, Accounts
from features.aliases import Alias
from features.context import Context, Identity

START = datetime(2026, 1, 1, tzinfo=UTC)
LATER = START + timedelta(days=10)


def directory() -> Context:
    return Context([
        (Identity(tenant="t", uid="ada", department="sales", role="staff"), START),
        (Identity(tenant="t", uid="ada", department="core", role="", valid_from=LATER), LATER),
        (Alias(tenant="t", kind="user", alias="ada.new", uid="ada", valid_from=LATER), LATER),
    ])  # fmt: skip


def at(accounts: Accounts, uid: str, days: float, kind: str = "user") -> Account:
    return accounts.at("t", kind, uid, (START + timedelta(days=days)).timestamp())


def test_peers_are_those_of_department_and_role_as_of_then() -> None:
    accounts = Accounts(directory())
    assert [at(accounts, "ada", days).group for days in (-1, 0, 9, 10, 99)] == [
        "",
        "sales / staff",
        "sales / staff",
        "core",
        "core",
    ]


def test_a_renamed_account_is_the_account_from_the_renaming_on() -> None:
    accounts = Accounts(directory())
    assert at(accounts, "ada.new", 5) == Account("t", "user", "ada.new", "")
    assert at(accounts, "Ada.New", 15) == Account("t", "user", "ada", "core")


def test_where_the_directory_says_nothing_the_learned_group_holds_and_programs_are_among_programs() -> None:
    accounts = Accounts(directory(), {("t", "bob"): "group-1", ("t", "ada"): "group-2"})
    assert at(accounts, "Bob", 1).group == "group-1"
    assert at(accounts, "ada", 1).group == "sales / staff"
    assert at(accounts, "ada", -1).group == "group-2"
    assert at(accounts, "cron", 1, "application").group == "programs"
    assert at(accounts, "eve", 1).group == ""
    assert at(accounts, "bob", 1, "host").group == ""


def test_what_is_imported_meanwhile_is_taken_up() -> None:
    accounts = Accounts()
    assert at(accounts, "ada", 1).group == ""
    accounts.renew(directory())
    assert at(accounts, "ada", 1).group == "sales / staff"


def test_without_any_directory_learned_groups_hold() -> None:
    accounts = Accounts(groups={("t", "bob"): "a"})
    assert at(accounts, "bob", 1).group == "a"
