"""Where fuzzing begins: good inputs for each target."""

from __future__ import annotations

from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_HEAD = b"\x00\x1dSun, 22 Nov 2026 10:00:00 GMT"
_WEB = b"""\
http_server_config:
  headers: {X-Frame-Options: deny}
rate_limit: {interval: 1s, burst: 10}
basic_auth_users:
  alice: $2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi
tls_server_config:
  cert_file: a.crt
  key_file: a.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.crt
  client_allowed_sans: [a.example]
  min_version: TLS12
  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]
"""


def seeds(target: str) -> list[bytes]:
    """Inputs that are, or nearly are, what the target is for."""
    return _SEEDS.get(target, [b"", b"a", bytes(range(256))])


def _answers() -> list[bytes]:
    data = _ROOT / "tests" / "sources" / "data"
    bodies = [path.read_bytes() for path in sorted(data.glob("*.json"))]
    bodies += [
        b'{"success":false,"errors":["Hash doesn\'t match UserId: 1"],"errorCode":10002}',
        (
            b'{"success":true,"live":[{"projectId":7,"deployId":"L-1","status":"Running",'
            b'"launched":"2026-01-02 03:04:05","stopped":null,"brokerage":"Paper","equity":1.5}]}'
        ),
        (
            b'{"success":true,"runtimeStatistics":{"Equity":"$101,691.92","Return":"1.69 %"},'
            b'"serverStatistics":{"CPU Usage":"4%","Used RAM (MB)":"512","Up Time":"1d 02:03:04"}}'
        ),
        b'{"success":true,"projects":[{"projectId":7,"name":"Live/US momentum"}]}',
        b'{"success":true,"progress":0.25,"status":"loading"}',
        (
            b'{"success":true,"chart":{"name":"Strategy Equity","series":{"Equity":{"values":'
            b'[[1795651200,1,2,0.5,1.5],[1795651260,"2.5"],{"x":1795651320,"y":null}]}}}}'
        ),
        (
            b'{"Success":true,"Portfolio":{"Holdings":{"SPY R735QTJ8XC9X":{"Quantity":1e400}},'
            b'"Cash":[]}}'
        ),
    ]
    return [_HEAD + body for body in bodies]


def _identifiers() -> list[bytes]:
    table = _ROOT / "tests" / "quantconnect" / "data" / "security_identifiers.tsv"
    lines = table.read_bytes().splitlines()[1:]
    return [b"\x01" + line.split(b"\t")[0] for line in lines]


_SEEDS: dict[str, list[bytes]] = {
    "answers": _answers(),
    "payloads": [bytes(range(start, 256, 7)) for start in range(7)],
    "identifiers": [*_identifiers(), b"\x00\x01\x02\x03\x04\x05\x06\x07\x08"],
    "displays": [
        *(b"$101,691.92", b"-$3.44", b"$-3.44", b"67.609%", b"1.69 %", "₿ 1e-5".encode()),
        b"Rs.500",
    ],
    "dates": [
        b"2026-01-02 03:04:05",
        b"2026-01-02T03:04:05.123456Z",
        b"0001-01-01T00:00:00",
        b"9999-12-31T23:59:59-23:59",
        b"Sun, 22 Nov 2026 10:00:00 GMT",
        b"120",
    ],
    "configuration": [
        (_ROOT / "config.example.yaml").read_bytes(),
        b"accounts: [{user_id: 1, api_token: '${SET}'}]\n",
        b"accounts:\n- {user_id: 1, api_token: x, projects: [{id: 7, limits: {max_drawdown: 1}}]}",
        b"scrape_interval: 1h30m\naccounts:\n- {user_id: 1, api_token: x, discover: {include: a}}",
    ],
    "web_configuration": [_WEB, b"basic_auth_users: {}\n", b"\xef\xbb\xbf# nothing\n"],
    "words": [b"1h30m", b"292y", b"[::1]:10270", b":0", b"Basic YWxpY2U6c2VjcmV0", b"0"],
    "accept": [
        b"application/openmetrics-text;version=1.0.0;q=0.9,text/plain;version=0.0.4;q=0.5,*/*",
        b"text/plain;version=1.0.0;escaping=allow-utf-8;q=0.7",
        b"gzip;q=0, identity",
    ],
    "labels": [b'a"b\\c\nd', "é\u2028x\r\n".encode(), b"# EOF\n", b"{} 1 # x"],
    "lines": [b"a b=c", b'"quoted"', b"\x00\x1b[31m\r\n", "\u2028\x85".encode(), b"\xff\xfe"],
}
