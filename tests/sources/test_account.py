"""projects/nodes/read and account/read: an organization's nodes and credit."""

from __future__ import annotations

import pytest

from exporter.metrics.table import Row
from exporter.quantconnect.errors import ApiError, Reason
from exporter.sources.credit import CREDIT, decode_credit
from exporter.sources.nodes import NODES, decode_nodes
from exporter.sources.source import Known

from .given import CONFIG, PROJECT, published

ROW = Row("main")


def node(busy: object) -> dict[str, object]:
    return {
        "id": "LN-1",
        "name": "PRIVATE",
        "usedBy": "PRIVATE",
        "projectName": "PRIVATE",
        "host": "PRIVATE",
        "busy": busy,
    }


def nodes(*live: object) -> dict[str, object]:
    found = {"backtest": [node(busy=True)], "live": list(live), "research": []}
    return {"nodes": found, "autoSelectNode": True, "success": True}


def test_nodes() -> None:
    request = NODES.request(PROJECT, CONFIG, Known())
    assert (request.endpoint, request.parameters) == ("projects/nodes/read", {"projectId": 101})
    answer = request.decode(nodes(node(busy=True), node(busy=False), node(busy=False)))
    assert published(NODES, answer, ROW) == [
        'quantconnect_account_live_nodes{account="main",busy="true"} 1.0',
        'quantconnect_account_live_nodes{account="main",busy="false"} 2.0',
    ]
    assert "PRIVATE" not in repr(answer)


def test_an_organization_without_live_nodes() -> None:
    answer = decode_nodes(nodes())
    assert [line.rpartition(" ")[2] for line in published(NODES, answer, ROW)] == ["0.0", "0.0"]


def test_a_node_that_cannot_be_read_is_left_out() -> None:
    answer = decode_nodes(nodes(node("yes"), "PRIVATE", node(busy=False)))
    assert (answer.busy, answer.free) == (0, 1)
    assert [(each.field, each.where) for each in answer.problems] == [
        ("busy", "nodes.live[0]"),
        ("other", "nodes.live[1]"),
    ]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"success": True}, "projects/nodes/read: the answer has no nodes"),
        ({"nodes": {}}, "projects/nodes/read: nodes: the answer has no live"),
        ({"nodes": {"live": None}}, "projects/nodes/read: nodes: the answer has no live"),
    ],
)
def test_no_nodes_in_the_answer_are_not_zero_nodes(answer: dict[str, object], message: str) -> None:
    with pytest.raises(ApiError) as raised:
        decode_nodes(answer)
    assert (raised.value.reason, raised.value.message) == (Reason.NOT_READY, message)


def test_credit() -> None:
    card = {"brand": "PRIVATE", "expiration": "12/27", "last4": "0042"}
    request = CREDIT.request(PROJECT, CONFIG, Known())
    assert (request.endpoint, request.parameters) == ("account/read", {})
    answer = request.decode({"organizationId": "PRIVATE", "creditBalance": -7.5, "card": card})
    assert published(CREDIT, answer, ROW) == [
        'quantconnect_account_credit_balance{account="main"} -7.5',
        # 2028-01-01 00:00 UTC: the card is good to the end of its month.
        'quantconnect_account_card_expiry_timestamp_seconds{account="main"} 1.8302976e+09',
    ]
    assert "PRIVATE" not in repr(answer)
    assert "0042" not in repr(answer)


@pytest.mark.parametrize("card", [None, []])
def test_without_a_card(card: object) -> None:
    answer = decode_credit({"creditBalance": 2500, "card": card})
    assert published(CREDIT, answer, ROW) == [
        'quantconnect_account_credit_balance{account="main"} 2500.0'
    ]
    assert answer.problems == ()


@pytest.mark.parametrize("card", [{"expiration": "4111 1111"}, {"expiration": 7}, "4111", {}])
def test_a_card_that_cannot_be_read_is_not_quoted(card: object) -> None:
    answer = decode_credit({"creditBalance": 2500, "card": card})
    assert answer.card_expiry is None
    assert [each.field for each in answer.problems] == ["expiration"]
    assert "4111" not in repr(answer)


def test_credit_that_is_missing_is_not_ready() -> None:
    with pytest.raises(ApiError, match="account/read: the answer has no creditBalance"):
        decode_credit({"card": None})
