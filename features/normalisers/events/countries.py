"""Countries by their code (ISO 3166-1 alpha-2), so that one country has one name whichever product tells of it."""

from __future__ import annotations

_NAMES = """
AD Andorra;AE United Arab Emirates;AF Afghanistan;AG Antigua and Barbuda;AI Anguilla;AL Albania;AM Armenia;AO Angola;AQ Antarctica;
AR Argentina;AS American Samoa;AT Austria;AU Australia;AW Aruba;AX Åland Islands;AZ Azerbaijan;BA Bosnia and Herzegovina;BB Barbados;
BD Bangladesh;BE Belgium;BF Burkina Faso;BG Bulgaria;BH Bahrain;BI Burundi;BJ Benin;BL Saint Barthélemy;BM Bermuda;BN Brunei;BO Bolivia;
BQ Bonaire, Sint Eustatius, and Saba;BR Brazil;BS Bahamas;BT Bhutan;BV Bouvet Island;BW Botswana;BY Belarus;BZ Belize;CA Canada;
CC Cocos (Keeling) Islands;
CD DR Congo;CF Central African Republic;CG Congo Republic;CH Switzerland;CI Ivory Coast;CK Cook Islands;CL Chile;CM Cameroon;CN China;
CO Colombia;CR Costa Rica;CU Cuba;CV Cabo Verde;CW Curaçao;CX Christmas Island;CY Cyprus;CZ Czechia;DE Germany;DJ Djibouti;DK Denmark;
DM Dominica;DO Dominican Republic;DZ Algeria;EC Ecuador;EE Estonia;EG Egypt;EH Western Sahara;ER Eritrea;ES Spain;ET Ethiopia;FI Finland;
FJ Fiji;FK Falkland Islands;FM Federated States of Micronesia;FO Faroe Islands;FR France;GA Gabon;GB United Kingdom;GD Grenada;GE Georgia;
GF French Guiana;GG Guernsey;GH Ghana;GI Gibraltar;GL Greenland;GM Gambia;GN Guinea;GP Guadeloupe;GQ Equatorial Guinea;GR Greece;
GS South Georgia and South Sandwich Islands;GT Guatemala;GU Guam;GW Guinea-Bissau;GY Guyana;HK Hong Kong;HM Heard and McDonald Islands;
HN Honduras;HR Croatia;HT Haiti;HU Hungary;ID Indonesia;IE Ireland;IL Israel;
IM Isle of Man;IN India;IO British Indian Ocean Territory;IQ Iraq;IR Iran;IS Iceland;IT Italy;JE Jersey;JM Jamaica;JO Jordan;JP Japan;
KE Kenya;KG Kyrgyzstan;KH Cambodia;KI Kiribati;KM Comoros;KN St Kitts and Nevis;KP North Korea;KR South Korea;KW Kuwait;KY Cayman Islands;
KZ Kazakhstan;LA Laos;LB Lebanon;LC Saint Lucia;LI Liechtenstein;LK Sri Lanka;LR Liberia;LS Lesotho;LT Lithuania;LU Luxembourg;LV Latvia;
LY Libya;MA Morocco;MC Monaco;MD Moldova;ME Montenegro;MF Saint Martin;MG Madagascar;MH Marshall Islands;MK North Macedonia;ML Mali;
MM Myanmar;MN Mongolia;MO Macao;MP Northern Mariana Islands;MQ Martinique;MR Mauritania;MS Montserrat;MT Malta;MU Mauritius;MV Maldives;
MW Malawi;MX Mexico;MY Malaysia;MZ Mozambique;NA Namibia;NC New Caledonia;NE Niger;NF Norfolk Island;NG Nigeria;NI Nicaragua;NL Netherlands;
NO Norway;NP Nepal;NR Nauru;NU Niue;NZ New Zealand;OM Oman;PA Panama;PE Peru;PF French Polynesia;PG Papua New Guinea;PH Philippines;
PK Pakistan;PL Poland;PM Saint Pierre and Miquelon;PN Pitcairn Islands;PR Puerto Rico;PS Palestine;PT Portugal;PW Palau;PY Paraguay;QA Qatar;
RE Réunion;RO Romania;RS Serbia;RU Russia;RW Rwanda;SA Saudi Arabia;SB Solomon Islands;SC Seychelles;SD Sudan;SE Sweden;SG Singapore;
SH Saint Helena;SI Slovenia;SJ Svalbard and Jan Mayen;SK Slovakia;SL Sierra Leone;SM San Marino;SN Senegal;SO Somalia;SR Suriname;
SS South Sudan;ST São Tomé and Príncipe;SV El Salvador;SX Sint Maarten;SY Syria;SZ Eswatini;TC Turks and Caicos Islands;TD Chad;
TF French Southern Territories;TG Togo;TH Thailand;TJ Tajikistan;TK Tokelau;TL Timor-Leste;TM Turkmenistan;TN Tunisia;TO Tonga;TR Türkiye;
TT Trinidad and Tobago;TV Tuvalu;TW Taiwan;TZ Tanzania;UA Ukraine;UG Uganda;UM U.S. Outlying Islands;US United States;UY Uruguay;
UZ Uzbekistan;VA Vatican City;VC St Vincent and Grenadines;VE Venezuela;VG British Virgin Islands;VI U.S. Virgin Islands;VN Vietnam;
VU Vanuatu;WF Wallis and Futuna;WS Samoa;XK Kosovo;YE Yemen;YT Mayotte;ZA South Africa;ZM Zambia;ZW Zimbabwe
"""
_OTHERS = """
AE UAE;BN Brunei Darussalam;BS The Bahamas;CD Democratic Republic of the Congo;CG Congo;CI Côte d'Ivoire;CI Cote d'Ivoire;CV Cape Verde;
CZ Czech Republic;CW Curacao;FM Micronesia;GB Great Britain;GB UK;GM The Gambia;HK Hong Kong SAR China;IR Iran, Islamic Republic of;
KN Saint Kitts and Nevis;KR Korea, Republic of;KR Republic of Korea;LA Lao People's Democratic Republic;MD Republic of Moldova;MK Macedonia;
MO Macau;NL The Netherlands;PS Palestinian Territory;RE Reunion;RU Russian Federation;ST Sao Tome and Principe;SY Syrian Arab Republic;
SZ Swaziland;TL East Timor;TR Turkey;TR Turkiye;TZ United Republic of Tanzania;US USA;US United States of America;VA Holy See;
VC Saint Vincent and the Grenadines;VN Viet Nam
"""


def _by_name(table: str) -> dict[str, str]:
    return {entry[3:].casefold(): entry[:2] for entry in table.replace("\n", "").split(";")}


_CODES = _by_name(_NAMES) | _by_name(_OTHERS)
CODES = frozenset(_CODES.values())
"""All codes."""


def country_code(text: str) -> str:
    """Return the code of a country that is told by its code or English name; a text that is neither stays as it is.

    >>> country_code("de"), country_code("United States"), country_code("Atlantis")
    ('DE', 'US', 'Atlantis')
    """
    return text.upper() if text.upper() in CODES else _CODES.get(text.casefold(), text)
