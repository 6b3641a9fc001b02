"""What Portfolio says of the project that it shows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.dashboards import scenes
from tests.dashboards.reading import NO_DATA, Reading
from tests.dashboards.scenes import (
    ALL_PROJECTS,
    CRASHED,
    CRASHING,
    DAY,
    SHARES,
    STOPPED,
    WELL,
)

from .fleet import ages
from .scene import (
    AGES,
    FRESH,
    NOT_READ,
    About,
    Expected,
    Named,
    Panels,
    Rows,
    Scene,
    a_number,
    money,
    percent,
)

if TYPE_CHECKING:
    from collections.abc import Callable

NO_POSITION = "No open position"


def weights(scene: Scene) -> list[float]:
    equity = scene.equity(scene.project)
    return sorted(
        (abs(each.value) / equity for each in scene.holdings(scene.project)), reverse=True
    )


def project_alerts(scene: Scene, _: Reading) -> Named:
    found: dict[str, Expected] = {}
    for name, severity, labels in scenes.firing(scene.at):
        if name.startswith("QuantConnectPosition") and name.endswith(("Opened", "Closed")):
            continue
        about = re.search(r'project_id="(\d+)"', labels)
        if about is None or about[1] == scene.project:
            symbol = re.search(r'symbol="(.+)"', labels)
            text = f"{name.removeprefix('QuantConnect')} {symbol[1] if symbol else ''}".strip()
            found[text] = severity
    return found or {"alerts": "none firing"}


def limits(scene: Scene) -> dict[str, float]:
    """The limits of which the project's use is known, by the names on the panels."""
    found = {"Drawdown": 0.2, "Daily loss": 0.05, "Position loss": 0.1}
    return found | {"Drawdown": 0.15, "Gross leverage": 2} if scene.project == SHARES else found


def deployment(scene: Scene, _: Reading) -> Rows:
    columns: dict[str, list[Expected]] = {
        "Deployment": [re.compile("L-").match],
        "Brokerage": [re.compile(".+Brokerage").match],
        "Auto restart": ["off" if scene.project == CRASHING else "on"],
    }
    if scene.status(scene.project) != "Running":
        columns["Stopped"] = [re.compile(".+ ago").match]
    return Rows(1, columns)


def used(scene: Scene, _: Reading) -> Named:
    project, limit = scene.project, limits(scene)
    equity, profit = scene.equity(project), scene.profit(project)
    worst = min((each.pnl for each in scene.holdings(project)), default=0.0)
    amounts = {
        "Drawdown": scene.drawdown(project),
        "Daily loss": max(0.0, -profit / (equity - profit)),
        "Position loss": max(0.0, -worst / equity),
        "Gross leverage": scene.leverage(project),
    }
    return {name: percent(amounts[name] / limit[name], 1.5) for name in limit}


def nearest_limit(_: Scene, board: Reading) -> Named:
    texts = board.said("Limits used")
    most = max(texts.values(), key=lambda text: float(text.rstrip("%")))
    (name,) = board.said("Nearest limit")
    if name == "any limit":
        return {name: "0%"}
    return {name: most} if texts[name] == most else {}


def change(days: int) -> Callable[[Scene, Reading], str | Named]:
    def said(scene: Scene, _: Reading) -> str | Named:
        now, then = scene.equity(scene.project), scene.equity(scene.project, days * DAY)
        if then:
            return {
                f"{days} days": About(now - then, 1),
                "share": percent((now - then) / then, 0.02),
            }
        if scene.status(scene.project) != "Running":
            return NO_DATA  # QuantConnect tells a return of what runs only
        gain = scenes.statistic(scene.project, scene.at, "return_ratio")
        return {
            "since launch": About(now * gain / (1 + gain), 25),
            "share": percent(gain, 0.02),
        }

    return said


def statistic(
    name: str, legend: str, *, times: float = 1.0, within: float = 1.0
) -> Callable[[Scene, Reading], str | Named]:
    """What QuantConnect says of a deployment that runs."""

    def said(scene: Scene, _: Reading) -> str | Named:
        if scene.status(scene.project) != "Running":
            return NO_DATA
        return {legend: About(times * scenes.statistic(scene.project, scene.at, name), within)}

    return said


def while_it_runs(*names: str) -> Callable[[Scene, Reading], str | Named]:
    return lambda scene, _: (
        dict.fromkeys(names, a_number) if scene.status(scene.project) == "Running" else NO_DATA
    )


def holdings(scene: Scene, _: Reading) -> Rows:
    held = sorted(scene.holdings(scene.project), key=lambda each: each.pnl)
    if not held:
        return Rows(1, {"Symbol": [NO_POSITION]})
    return Rows(
        len(held),
        {
            "P/L": [About(each.pnl) for each in held],
            "Value": [About(each.value, 1) for each in held],
            "Quantity": [About(each.quantity, 1e-9) for each in held],
            "Symbol": [bool] * len(held),
        },
    )


def extremes(sign: int, nothing: str) -> Callable[[Scene, Reading], Rows]:
    def said(scene: Scene, _: Reading) -> Rows:
        amounts = sorted(sign * each.pnl for each in scene.holdings(scene.project))
        found = [sign * each for each in reversed(amounts) if each >= 0.5][:10]
        if not found:
            return Rows(1, {"Symbol": [nothing]})
        return Rows(len(found), {"P/L": [About(each) for each in found]})

    return said


def heaviest(scene: Scene, _: Reading) -> Rows:
    found = weights(scene)[:10]
    if not found:
        return Rows(1, {"Symbol": [NO_POSITION]})
    return Rows(len(found), {"Weight": [percent(each, 0.1) for each in found]})


def allocation(scene: Scene, _: Reading) -> Named:
    sums: dict[str, float] = {}
    for each in scene.holdings(scene.project):
        sums[each.type] = sums.get(each.type, 0.0) + abs(each.value)
    return {name: About(amount, 5) for name, amount in sums.items()} or {NO_POSITION: "0"}


def changed(what: str) -> Callable[[Scene, Reading], Rows]:
    """What was opened, closed or resized in the last 24 hours, of which the scenes are seen."""

    def said(scene: Scene, _: Reading) -> Rows:
        now = {each.symbol_id: each.quantity for each in scene.holdings(scene.project)}
        times = [at for at in (WELL, STOPPED, CRASHED) if at <= scene.at]
        before = {
            each.symbol_id: each.quantity
            for each in scenes.holdings(scene.project, scenes.STARTED - DAY / 2)
        }
        seen = set(before)
        for at in times:
            seen |= {each.symbol_id for each in scenes.holdings(scene.project, at)}
        count = {
            "opened": len(now.keys() - before),
            "closed": len(seen - now.keys()),
            "resized": sum(now[each] != before[each] for each in now.keys() & before),
        }[what]
        if not count:
            return Rows(1, {"Symbol": [f"No position was {what}"]})
        column = {"opened": "Quantity", "closed": "Last quantity", "resized": "Change"}[what]
        return Rows(count, {column: [a_number] * count, "Symbol": [bool] * count})

    return said


def cash_books(scene: Scene, _: Reading) -> Rows:
    books = sorted(scenes.cash_book(scene.project, scene.at).values())
    return Rows(len(books), {"Value": [About(each, 1) for each in books]})


def pnl_lines(scene: Scene, board: Reading) -> str | Named:
    shown = board["Unrealized P/L by symbol"].series
    now = [row[0].text for row in board[f"Holdings of {ALL_PROJECTS[scene.project]}"].rows]
    if not scene.holdings(scene.project):
        return NO_DATA
    return dict.fromkeys({*now, *shown}, a_number)


WORDS = {1: "submitted", 2: "partially_filled", 3: "filled", 5: "canceled", 7: "rejected"}
CLOSED = {3, 5, 7}


def by_status(scene: Scene, _: Reading) -> Named:
    counted = scenes.orders(scene.project, scene.at)
    return {WORDS[each]: str(count) for each, count in counted.items()} or {"no order yet": "0"}


def open_orders(scene: Scene, _: Reading) -> Named:
    counted = scenes.orders(scene.project, scene.at)
    count = sum(number for status, number in counted.items() if status not in CLOSED)
    oldest: Named = {"oldest": a_number} if count else {}
    return {"open": str(count), **oldest, "rejected": a_number, "read": FRESH}


def last_fill(scene: Scene, _: Reading) -> Named:
    if scenes.orders(scene.project, scene.at)[3]:
        return {"ago": a_number, "read": FRESH}
    return {"newest deployment": "no fill yet", "read": FRESH}


def realized(scene: Scene, _: Reading) -> dict[str, Expected]:
    found = scenes.listed("trades", scene.project, scene.at)
    # The simulator's profits of the past are others each time that they are asked for.
    return {"net of fees": a_number, "fees": About(sum(each["totalFees"] for each in found))}


def win_rate(scene: Scene, _: Reading) -> Named:
    found = scenes.listed("trades", scene.project, scene.at)
    if not found:
        return {"trades": "0", "read": FRESH}
    return {"won": a_number, "trades": str(len(found)), "read": FRESH}


def when_filled(name: str) -> Callable[[Scene, Reading], str | Named]:
    """A line; its name may ask for the account's currency."""
    return lambda scene, _: (
        {name.format(currency=scene.currency): a_number}
        if scenes.orders(scene.project, scene.at)[3]
        else NOT_READ
    )


PORTFOLIO_PANELS: Panels = {
    AGES: ages("portfolio", "status and equity"),
    "{project} ({currency})": lambda scene, _: {"equity": money(scene.equity(scene.project))},
    "Profit today": lambda scene, _: {
        "amount": About(scene.profit(scene.project), 1),
        "ratio": percent(
            scene.profit(scene.project) / scenes.equity(scene.project, scene.at - scene.at % DAY),
            0.02,
        ),
    },
    "Unrealized P/L": lambda scene, _: {
        "unrealized": About(sum(each.pnl for each in scene.holdings(scene.project)), 1)
    },
    "Nearest limit": nearest_limit,
    "Status": lambda scene, _: {
        "status": NO_DATA if scene.silent else scene.status(scene.project),
        "age": scene.age,
    },
    "Alerts": project_alerts,
    "Equity of {project} and its peak ({currency})": lambda scene, _: {
        "equity": money(scene.equity(scene.project)),
        "peak": About(scene.peak(scene.project), 1),
        "peak of 30 days": About(scene.peak(scene.project), 1),
    },
    "Drawdown over time": lambda scene, _: {
        "30 days": percent(-scene.drawdown(scene.project), 0.01),
        "all time": percent(-scene.drawdown(scene.project), 0.01),
        "limit": f"-{100 * limits(scene)['Drawdown']:.0f}%",
    },
    "Profit, 7 days": change(7),
    "Profit, 30 days": change(30),
    "Drawdown": lambda scene, _: {"drawdown": percent(scene.drawdown(scene.project), 0.06)},
    "Gross leverage": lambda scene, _: {"leverage": About(scene.leverage(scene.project), 0.01)},
    "Cash share": lambda scene, _: {
        "cash": percent(scenes.cash(scene.project, scene.at) / scene.equity(scene.project), 0.6)
    },
    "Positions": lambda scene, _: {"positions": str(len(scene.holdings(scene.project)))},
    "Fees": statistic("fees", "fees", within=0.01),
    "Holdings of {project}": holdings,
    "Largest losses": extremes(-1, "No position at a loss"),
    "Largest profits": extremes(1, "No position in profit"),
    "Largest weights": heaviest,
    "Allocation by type": allocation,
    "Profit by day": lambda _, __: {"gain": a_number, "loss": a_number},
    "Unrealized P/L by symbol": pnl_lines,
    "Limits used": used,
    "Exposure ({currency})": lambda scene, _: {
        name: About(exposure(scene)[name], 10) for name in ("long", "short", "net", "gross")
    },
    "Leverage": lambda scene, _: (
        {
            name: About(exposure(scene)[name] / scene.equity(scene.project), 0.01)
            for name in ("gross", "net")
        }
        | ({"limit": "2.00"} if scene.project == SHARES else {})
    ),
    "Opened": changed("opened"),
    "Closed": changed("closed"),
    "Resized": changed("resized"),
    "Concentration": lambda scene, _: {
        "largest": percent(sum(weights(scene)[:1]), 0.6),
        "five largest": percent(sum(weights(scene)[:5]), 0.6),
    },
    "Cash share over time": lambda _, board: board.said("Cash share"),
    "Cash by currency": cash_books,
    "Equity indexed to 100, and its benchmark": lambda _, __: {
        "equity": About(100, 10),
        "benchmark": About(100, 10),
    },
    "Realized P/L over time": realized,
    "Orders by status": by_status,
    "Open orders": open_orders,
    "Last fill": last_fill,
    "Realized P/L": lambda scene, board: {**realized(scene, board), "read": FRESH},
    "Win rate": win_rate,
    "Orders of the last hour": lambda _, __: {"orders": a_number, "limit": "500"},
    "Time since the last fill": when_filled("last fill"),
    "Fees of orders": when_filled("{currency}"),
    "Lines in the log": lambda _, __: NOT_READ,  # without a query in the configuration
    "Net profit": statistic("net_profit", "net profit"),
    "Return": statistic("return_ratio", "return", times=100, within=0.02),
    "Probabilistic Sharpe": while_it_runs("probabilistic sharpe"),
    "Holdings value": statistic("holdings_value", "holdings value"),
    "Volume": statistic("volume", "volume"),
    "Deployment": deployment,
    "Uptime of the live node": while_it_runs("up"),
    "Memory of the live node": lambda _, __: {"used": a_number, "total": a_number},
    "CPU of the live node": lambda _, __: {"CPU": a_number},
    "Custom statistics": lambda scene, _: (
        {"Open Risk": a_number, "Signal": a_number} if scene.project == SHARES else NO_DATA
    ),
}


def exposure(scene: Scene) -> dict[str, float]:
    values = [each.value for each in scene.holdings(scene.project)]
    found = {
        "long": sum(max(0.0, each) for each in values),
        "short": sum(min(0.0, each) for each in values),
    }
    return found | {"net": sum(values), "gross": found["long"] - found["short"]}
