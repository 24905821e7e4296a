"""Hosts and addresses that lead inside, in every spelling, and some that do not: what the guarded client is tried with.

`{port}` stands for the port of a listener that must not be knocked at.
"""

from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

from tests.collector.test_addresses import PRIVATE_4, PRIVATE_6

WIDE = str.maketrans("0123456789.", "0123456789.")
RINGED = str.maketrans("0123456789", "⓪①②③④⑤⑥⑦⑧⑨")
PUBLIC = "93.184.215.14"


def spellings(address: str) -> list[str]:
    """What resolvers and URL parsers take for this IPv4 address."""
    parts = [int(part) for part in address.split(".")]
    a, b, c, d = parts
    whole = int(IPv4Address(address))
    return [
        address,
        f"{address}.",
        str(whole),
        hex(whole),
        f"0{whole:o}",
        ".".join(map(hex, parts)),
        ".".join(f"0{part:o}" for part in parts),
        f"{a:#x}.{b}.0{c:o}.{d:#x}",
        f"{a}.{whole & 0xFFFFFF}",
        f"{a}.{b}.{whole & 0xFFFF}",
        f"{a:#x}.{whole & 0xFFFFFF:#x}",
        ".".join(f"0x{part:08x}" for part in parts),
        address.translate(WIDE),
        address.translate(RINGED),
        address.replace(".", "。"),
        "".join(f"%{ord(sign):02x}" for sign in address),
    ]


def wrapped(address: str) -> list[str]:
    """IPv6 addresses that lead to this IPv4 one, or say so."""
    raw = IPv4Address(address).packed
    high, low = raw[:2].hex(), raw[2:].hex()
    teredo = bytes(each ^ 0xFF for each in raw).hex(":", 2)
    return [
        f"::ffff:{address}",
        f"::ffff:{high}:{low}",
        f"0:0:0:0:0:ffff:{address}",
        f"::{address}",
        f"::ffff:0:{address}",
        f"64:ff9b::{address}",
        f"64:ff9b:1::{high}:{low}",
        f"2002:{high}:{low}::1",
        f"2001:0:4136:e378:8000:63bf:{teredo}",
        f"fe80::5efe:{address}",
    ]


INSIDE = ["127.0.0.1", "169.254.169.254", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "0.0.0.0"]
HOSTS = [
    *(spelt for address in PRIVATE_4 for spelt in spellings(address)),
    *(f"[{address}]" for address in PRIVATE_6),
    *(f"[{each}]" for address in INSIDE for each in wrapped(address)),
    *(
        f"[{IPv6Address(each).exploded}]"
        for each in ("::1", "fe80::1", "fc00::1", "ff02::1", "::ffff:7f00:1")
    ),
    "[::1%25lo]",
    "[::1%lo]",
    "[fe80::1%25eth0]",
    "[fe80::1%1]",
    "[::1.]",
    "[0::1]",
    "[::01]",
]

# Names that lead inside: by A, AAAA, several, and as the cloud's own services are called.
NAMES: dict[str, list[str]] = {
    "localhost": ["127.0.0.1", "::1"],
    "LOCALHOST": ["127.0.0.1"],
    "localhost.": ["127.0.0.1"],
    "localhost.localdomain": ["127.0.0.1"],
    "ip6-localhost": ["::1"],
    "database": ["172.18.0.2"],
    "kubernetes.default.svc": ["10.96.0.1"],
    "metadata.google.internal": ["169.254.169.254"],
    "metadata.goog": ["169.254.169.254"],
    "instance-data.ec2.internal": ["169.254.169.254", "fd00:ec2::254"],
    "metadata.azure.example": ["169.254.169.254"],
    "router.home.arpa": ["192.168.1.1"],
    "printer.local": ["169.254.7.7"],
    "127.0.0.1.nip.example": ["127.0.0.1"],
    "a-record.example": ["10.1.2.3"],
    "aaaa-record.example": ["fd12:3456::1"],
    "both-records.example": ["192.168.0.7", "fe80::7"],
    "mapped-record.example": ["::ffff:127.0.0.1"],
    "nat64-record.example": ["64:ff9b::a9fe:a9fe"],
    "sixtofour-record.example": ["2002:7f00:1::"],
    "multicast-record.example": ["224.0.0.251", "ff02::fb"],
    "broadcast-record.example": ["255.255.255.255"],
    "nothing-record.example": ["0.0.0.0", "::"],
    "cgnat-record.example": ["100.100.100.200"],
    "many-records.example": [f"10.0.0.{number}" for number in range(1, 60)],
    "bücher.example": ["127.0.0.1"],
    "xn--bcher-kva.example": ["127.0.0.1"],
    "xn--bcher-kva.example.": ["127.0.0.1"],
}
# Addresses of pages that are refused for what they are, or lead inside for how they are written.
LOOPBACK = "http://127.0.0.1:{port}/"
ADDRESSES = [
    "file:///etc/passwd",
    "file://localhost/etc/passwd",
    "ftp://127.0.0.1/",
    "gopher://127.0.0.1:{port}/_x",
    "dict://127.0.0.1:{port}/x",
    "ldap://127.0.0.1:{port}/",
    "tftp://127.0.0.1/x",
    "sftp://127.0.0.1/",
    "unix:///var/run/docker.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/",
    "unix:/run/x.sock:/",
    "jar:http://127.0.0.1!/",
    "javascript:alert(1)",
    "data:text/xml,<rss/>",
    "about:blank",
    "ws://127.0.0.1:{port}/",
    "wss://127.0.0.1/",
    "HTTPS+http://127.0.0.1/",
    "view-source:http://127.0.0.1/",
    "netdoc:///etc/passwd",
    "php://input",
    "http://news.example@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}@news.example/",
    "http://a:b@127.0.0.1/",
    "http://news.example:80@127.0.0.1:{port}/",
    "http://@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}#@news.example/",
    "http://127.0.0.1:{port}?@news.example/",
    "http://127.0.0.1:{port}\\@news.example/",
    "http://news.example\\@127.0.0.1/",
    "http:\\\\127.0.0.1:{port}/",
    "http:/127.0.0.1:{port}/",
    "http:127.0.0.1:{port}/",
    "http:///127.0.0.1:{port}/",
    "http://127.0.0.1:{port}",
    "HTTP://127.0.0.1:{port}/",
    "hTTp://LOCALHOST:{port}/",
    "http://127.0.0.1:0{port}/",
    "http://news.example:22/",
    "http://news.example:25/",
    "http://news.example:6379/",
    "http://news.example:{port}/",
    "https://news.example:8443/",
    "http://news.example:0/",
    "http://news.example:65536/",
    "http://news.example:-80/",
    "http://news.example:80:80/",
    "http://news.example:８０８０/",
    "http://news.example: 22/",
    "http://news.example:+22/",
    "http://",
    "https://",
    "http://:80/",
    "http://./",
    "http://../",
    "http://.../",
    "http://[]/",
    "http://[::1/",
    "http://127.0.0.1%00.news.example/",
    "http://127.0.0.1%0d%0aHost:x/",
    "http://127.0.0.1\t:{port}/",
    "http://127.0.0.1 /",
    "http://127.0.0.1%2f@news.example/",
    "http://127.0.0.1%23.news.example/",
    "http://news.example%00/",
    "http://\u200b127.0.0.1/",
    "http://١٢٧.٠.٠.١/",
    "http://127.0.0.1\u3002/",
    "http://127．0．0．1:{port}/",
    "http://ｌｏｃａｌｈｏｓｔ:{port}/",
    "http://{wide}/",
    "//127.0.0.1:{port}/",
    "127.0.0.1:{port}/",
    "///etc/passwd",
    "",
    " ",
    "\x00",
    "http://" + "a" * 9_000,
]

# Only as redirects: relative to the address that sends them.
LOCATIONS = [
    "//127.0.0.1:{port}/",
    "///127.0.0.1:{port}/",
    "\\\\127.0.0.1:{port}/",
    "/\\127.0.0.1:{port}/",
    "\t//127.0.0.1:{port}/",
    "http://127.0.0.1:{port}/\r\nX: y",
    " http://127.0.0.1:{port}/ ",
    "http://127.0.0.1:{port}/é",
    "HTTP://[::1]:{port}/",
    "http://%31%32%37.0.0.1:{port}/",
    "http://127.0.0.1%3a{port}/",
    "http:%2f%2f127.0.0.1:{port}/",
    "@127.0.0.1:{port}/",
]


class Lawful(NamedTuple):
    url: str
    resolves: list[str]
    connects: tuple[str, int]


LAWFUL = [
    Lawful("http://news.example/feed", [PUBLIC], (PUBLIC, 80)),
    Lawful("https://news.example/feed", [PUBLIC], (PUBLIC, 443)),
    Lawful("http://news.example:80/feed", [PUBLIC], (PUBLIC, 80)),
    Lawful("https://news.example:443/", [PUBLIC], (PUBLIC, 443)),
    Lawful("http://news.example:443/", [PUBLIC], (PUBLIC, 443)),
    Lawful("https://news.example:80/", [PUBLIC], (PUBLIC, 80)),
    Lawful("HTTPS://News.Example/Feed", [PUBLIC], (PUBLIC, 443)),
    Lawful("https://news.example./feed", [PUBLIC], (PUBLIC, 443)),
    Lawful("https://news.example/feed?q=127.0.0.1#x", [PUBLIC], (PUBLIC, 443)),
    Lawful("https://news.example/http://127.0.0.1/", [PUBLIC], (PUBLIC, 443)),
    Lawful("https://news.example/%2e%2e/@127.0.0.1", [PUBLIC], (PUBLIC, 443)),
    Lawful("https://zeitung-münchen.example/", ["185.199.108.153"], ("185.199.108.153", 443)),
    Lawful("https://xn--zeitung-mnchen-mlb.example/", ["185.199.108.153"], ("185.199.108.153", 443)),
    Lawful("https://новости.example/лента", ["151.101.0.81"], ("151.101.0.81", 443)),
    Lawful("https://新聞。example/", ["151.101.0.81"], ("151.101.0.81", 443)),
    Lawful("http://127.0.0.1.news.example/", [PUBLIC], (PUBLIC, 80)),
    Lawful("http://localhost.news.example/", [PUBLIC], (PUBLIC, 80)),
    Lawful("https://10.example/", ["8.8.4.4"], ("8.8.4.4", 443)),
    Lawful("http://93.184.215.14/", [PUBLIC], (PUBLIC, 80)),
    Lawful("https://[2606:4700::1111]/", ["2606:4700::1111"], ("2606:4700::1111", 443)),
    Lawful("https://six.example/", ["2a00:1450:4009::1"], ("2a00:1450:4009::1", 443)),
    Lawful("https://nat64.example/", ["64:ff9b::8.8.8.8"], ("64:ff9b::8.8.8.8", 443)),
    Lawful("https://both.example/", ["2a04:4e42::81", PUBLIC], ("2a04:4e42::81", 443)),
    Lawful("https://mixed.example/", ["10.0.0.1", "::1", PUBLIC], (PUBLIC, 443)),
    Lawful("http://172.32.0.1/", ["172.32.0.1"], ("172.32.0.1", 80)),
    Lawful("http://192.167.255.255/", ["192.167.255.255"], ("192.167.255.255", 80)),
    Lawful("http://100.128.0.1/", ["100.128.0.1"], ("100.128.0.1", 80)),
    Lawful("http://feeds.force.example:8080/", ["10.9.8.7"], ("10.9.8.7", 8080)),
]
