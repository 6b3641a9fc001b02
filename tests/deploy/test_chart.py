"""The Helm chart as helm renders it: valid for Kubernetes and the operator, and each value has its
effect.
"""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import subprocess
import tarfile
from functools import cache
from textwrap import indent
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from exporter import __version__
from exporter.cli.flags import parse
from exporter.config import load

from .paths import ROOT
from .schemas import OPERATOR, complaints

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHART = ROOT / "deploy" / "helm" / "quantconnect-exporter"
EVERYTHING = ROOT / "tests" / "deploy" / "everything.yaml"
RELEASES = ("1.28", "1.32", "1.37")
"""The oldest that the chart allows, one between, and the newest."""
HELM = shutil.which("helm", path=f"{ROOT / 'bin'}:{os.environ['PATH']}")

Document = dict[str, Any]

pytestmark = pytest.mark.skipif(
    HELM is None or not OPERATOR.is_dir(),
    reason="not installed: helm, the operator's schemas (make linters)",
)


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    assert HELM is not None
    return subprocess.run(
        [HELM, *arguments], capture_output=True, text=True, check=False, timeout=60
    )


@cache
def rendered(*flags: str) -> tuple[Document, ...]:
    """The manifests of the release `live` in the namespace `trading` with these flags."""
    done = helm("template", "live", str(CHART), "-n", "trading", "--kube-version=1.37", *flags)
    assert done.returncode == 0, done.stderr
    return tuple(each for each in yaml.load_all(done.stdout, yaml.CSafeLoader) if each)


DEFAULT: tuple[str, ...] = ()
SHARDS = ("--set=shards=3",)
EXISTING_SECRET = ("--set=secret.name=mine",)
ALL = (f"--values={EVERYTHING}",)
PODS = (*ALL, "--set=serviceMonitor.enabled=false,podMonitor.enabled=true")
POLICY = (*ALL, "--set=networkPolicy.enabled=true")
ACCOUNT = (*ALL, "--set=serviceAccount.create=true")
TAG = (*ALL, "--set=image.digest=")
UNNAMED = (*ALL, "--set=fullnameOverride=")
RENDERINGS = {
    "default": DEFAULT,
    "shards": SHARDS,
    "existing secret": EXISTING_SECRET,
    "everything": ALL,
    "everything, pod monitor": PODS,
    "everything, network policy": POLICY,
    "everything, service account": ACCOUNT,
}

each_rendering = pytest.mark.parametrize("flags", RENDERINGS.values(), ids=RENDERINGS)


def one(documents: tuple[Document, ...], kind: str, name: str = "") -> Document:
    (found,) = [
        each
        for each in documents
        if each["kind"] == kind and each["metadata"]["name"].endswith(name)
    ]
    return found


def at(document: Document, path: str) -> Any:
    """The value at a path such as `spec.ports.0.port`, None where there is none."""
    value: Any = document
    for part in path.split("/"):
        try:
            value = value[int(part)] if isinstance(value, list) else value[part]
        except (KeyError, IndexError):
            return None
    return value


def leaves(values: Document, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Each value by its path; a map that a user fills as he likes is one value."""
    for key, value in values.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict) and path in SECTIONS:
            yield from leaves(value, f"{path}.")
        else:
            yield path, value


SECTIONS = {
    "image",
    "secret",
    "log",
    "serviceAccount",
    "service",
    "serviceMonitor",
    "podMonitor",
    "prometheusRule",
    "dashboards",
    "networkPolicy",
}
SET = dict(leaves(yaml.safe_load(EVERYTHING.read_text(encoding="utf-8"))))
CONTAINER = "spec/template/spec/containers/0"
MONITORS = {
    "namespace": ("metadata/namespace", "monitors"),
    "labels": ("metadata/labels/release", "kube-prometheus-stack"),
    "interval": ("spec/{}/0/interval", "15s"),
    "scrapeTimeout": ("spec/{}/0/scrapeTimeout", "14s"),
    "scheme": ("spec/{}/0/scheme", "https"),
    "tlsConfig": ("spec/{}/0/tlsConfig", SET["serviceMonitor.tlsConfig"]),
    "basicAuth": ("spec/{}/0/basicAuth", SET["serviceMonitor.basicAuth"]),
    "relabelings": ("spec/{}/0/relabelings/1", SET["serviceMonitor.relabelings"][0]),
    "metricRelabelings": ("spec/{}/0/metricRelabelings", SET["serviceMonitor.metricRelabelings"]),
}

# Value: with which flags, in which manifest (its kind, how its name ends), where, and what.
EFFECTS: dict[str, tuple[tuple[str, ...], str, str, str, object]] = {
    "nameOverride": (UNNAMED, "Service", "", "metadata/name", "live-name"),
    "fullnameOverride": (ALL, "Service", "", "metadata/name", "full"),
    "commonLabels": (ALL, "Service", "", "metadata/labels/team", "trading"),
    "image.registry": (
        *(TAG, "StatefulSet", "", f"{CONTAINER}/image"),
        "registry.example.com/mirror/exporter:9.9",
    ),
    "image.repository": (
        *(TAG, "StatefulSet", "", f"{CONTAINER}/image"),
        "registry.example.com/mirror/exporter:9.9",
    ),
    "image.tag": (
        *(TAG, "StatefulSet", "", f"{CONTAINER}/image"),
        "registry.example.com/mirror/exporter:9.9",
    ),
    "image.digest": (
        *(ALL, "StatefulSet", "", f"{CONTAINER}/image"),
        f"registry.example.com/mirror/exporter@{SET['image.digest']}",
    ),
    "image.pullPolicy": (ALL, "StatefulSet", "", f"{CONTAINER}/imagePullPolicy", "Always"),
    "imagePullSecrets": (
        *(ALL, "StatefulSet", "", "spec/template/spec/imagePullSecrets"),
        [{"name": "my-registry"}],
    ),
    "shards": (ALL, "StatefulSet", "", "spec/replicas", 4),
    "config": (
        *(ALL, "ConfigMap", "full", "data/quantconnect.yaml"),
        yaml.safe_dump(SET["config"]),
    ),
    "secret.create": (ALL, "Secret", "credentials", "kind", "Secret"),
    "secret.name": (
        *(ALL, "StatefulSet", "", "spec/template/spec/volumes/1/secret/secretName"),
        "credentials",
    ),
    "secret.data": (ALL, "Secret", "credentials", "stringData/other-token", "0123"),
    "webConfig": (
        *(ALL, "Secret", "full-web", "stringData/web-config.yml"),
        yaml.safe_dump(SET["webConfig"]),
    ),
    "log.level": (ALL, "StatefulSet", "", f"{CONTAINER}/env/3/value", "debug"),
    "log.format": (ALL, "StatefulSet", "", f"{CONTAINER}/env/4/value", "json"),
    "extraArgs": (ALL, "StatefulSet", "", f"{CONTAINER}/args", SET["extraArgs"]),
    "extraEnv": (ALL, "StatefulSet", "", f"{CONTAINER}/env/7", SET["extraEnv"][0]),
    "extraVolumes": (
        *(ALL, "StatefulSet", "", "spec/template/spec/volumes/3"),
        SET["extraVolumes"][0],
    ),
    "extraVolumeMounts": (
        *(ALL, "StatefulSet", "", f"{CONTAINER}/volumeMounts/3"),
        SET["extraVolumeMounts"][0],
    ),
    "serviceAccount.create": (ACCOUNT, "ServiceAccount", "", "metadata/name", "somebody"),
    "serviceAccount.name": (
        *(ALL, "StatefulSet", "", "spec/template/spec/serviceAccountName"),
        "somebody",
    ),
    "serviceAccount.annotations": (
        *(ACCOUNT, "ServiceAccount", "", "metadata/annotations"),
        {"account": "annotated"},
    ),
    "service.port": (ALL, "Service", "", "spec/ports/0/port", 8080),
    "service.annotations": (
        *(ALL, "Service", "", "metadata/annotations"),
        {"service": "annotated"},
    ),
    "service.labels": (ALL, "Service", "", "metadata/labels/service", "labelled"),
    "serviceMonitor.enabled": (ALL, "ServiceMonitor", "", "metadata/name", "full"),
    "podMonitor.enabled": (PODS, "PodMonitor", "", "metadata/name", "full"),
    **{
        f"serviceMonitor.{key}": (ALL, "ServiceMonitor", "", path.format("endpoints"), value)
        for key, (path, value) in MONITORS.items()
    },
    **{
        f"podMonitor.{key}": (PODS, "PodMonitor", "", path.format("podMetricsEndpoints"), value)
        for key, (path, value) in MONITORS.items()
    },
    "prometheusRule.enabled": (ALL, "PrometheusRule", "alerts", "metadata/name", "full-alerts"),
    "prometheusRule.namespace": (ALL, "PrometheusRule", "alerts", "metadata/namespace", "rules"),
    "prometheusRule.labels": (
        *(ALL, "PrometheusRule", "recording", "metadata/labels/rules"),
        "labelled",
    ),
    "dashboards.enabled": (ALL, "ConfigMap", "-fleet", "metadata/name", "full-fleet"),
    "dashboards.namespace": (ALL, "ConfigMap", "-symbol", "metadata/namespace", "grafana"),
    "dashboards.labels": (ALL, "ConfigMap", "-fleet", "metadata/labels/dashboard", "yes please"),
    "dashboards.annotations": (
        *(ALL, "ConfigMap", "-fleet", "metadata/annotations"),
        {"grafana_folder": "QuantConnect"},
    ),
    "networkPolicy.enabled": (POLICY, "NetworkPolicy", "", "metadata/name", "full"),
    "networkPolicy.from": (
        *(POLICY, "NetworkPolicy", "", "spec/ingress/0/from"),
        SET["networkPolicy.from"],
    ),
    "networkPolicy.to": (
        *(POLICY, "NetworkPolicy", "", "spec/egress/1"),
        SET["networkPolicy.to"][0],
    ),
    **{
        key: (ALL, "StatefulSet", "", f"{CONTAINER}/{key}", SET[key])
        for key in ("resources", "securityContext")
    },
    **{
        key: (ALL, "StatefulSet", "", f"{CONTAINER}/{key}/periodSeconds", SET[key]["periodSeconds"])
        for key in ("livenessProbe", "readinessProbe")
    },
    "podAnnotations": (
        *(ALL, "StatefulSet", "", "spec/template/metadata/annotations"),
        {"pod": "annotated"},
    ),
    "podLabels": (ALL, "StatefulSet", "", "spec/template/metadata/labels/pod", "labelled"),
    "podSecurityContext": (
        *(ALL, "StatefulSet", "", "spec/template/spec/securityContext"),
        SET["podSecurityContext"],
    ),
    **{
        key: (ALL, "StatefulSet", "", f"spec/template/spec/{key}", SET[key])
        for key in (
            "priorityClassName",
            "nodeSelector",
            "tolerations",
            "affinity",
            "topologySpreadConstraints",
        )
    },
}


@pytest.mark.parametrize("value", EFFECTS)
def test_a_value_has_its_effect(value: str) -> None:
    flags, kind, name, path, expected = EFFECTS[value]
    assert at(one(rendered(*flags), kind, name), path) == expected
    without = [each for each in rendered() if each["kind"] == kind]
    assert expected not in [at(each, path) for each in without]


def test_every_value_is_among_them() -> None:
    defaults = dict(leaves(yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))))
    assert EFFECTS.keys() == SET.keys() == defaults.keys()
    same = {path for path, value in SET.items() if value == defaults[path]}
    # Each of these is set the other way round by the flags of its own effect.
    assert same == {"podMonitor.enabled"}


def test_helm_has_no_complaint() -> None:
    for flags in (DEFAULT, ALL):
        done = helm("lint", "--strict", "--kube-version=1.37", str(CHART), *flags)
        assert done.returncode == 0, done.stdout + done.stderr


@each_rendering
@pytest.mark.parametrize("release", RELEASES)
def test_kubernetes_and_the_operator_take_every_manifest(
    flags: tuple[str, ...], release: str
) -> None:
    for document in rendered(*flags):
        assert complaints(document, release) == [], document["kind"]


def test_the_values_of_the_page_are_taken(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    (values,) = re.findall(r"(?s)```yaml\n(# values.yaml\n.*?)```", page)
    file = tmp_path / "values.yaml"
    file.write_text(values)
    documents = rendered(f"--values={file}")
    assert at(one(documents, "StatefulSet"), "spec/replicas") == yaml.safe_load(values)["shards"]
    for document in documents:
        assert complaints(document, RELEASES[-1]) == [], document["kind"]


def test_a_manifest_with_a_mistake_would_be_noticed() -> None:
    for kind, section in (("ServiceMonitor", "endpoints"), ("StatefulSet", "template")):
        document = copy.deepcopy(one(rendered(*ALL), kind))
        document["spec"][f"{section}s"] = document["spec"].pop(section)
        assert complaints(document, RELEASES[-1])


def test_a_release_that_is_too_old_is_refused() -> None:
    done = helm("template", "live", str(CHART), "--kube-version=1.27")
    assert done.returncode != 0
    assert "requires kubeVersion: >=1.28.0-0" in done.stderr


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("shards=0", "at '/shards': minimum"),
        ("replicas=2", "additional properties 'replicas' not allowed"),
        ("image.version=1", "at '/image': additional properties 'version' not allowed"),
        ("image.digest=sha256:abc", "at '/image/digest'"),
        ("secret.create=true", "at '/secret/data': minProperties"),
        ("secret.data.token=abc", "at '/secret/data': maxProperties"),
        ("config.accounts=null", "at '/config': missing property 'accounts'"),
        ("log.level=loud", "at '/log/level': value must be one of"),
        ("extraArgs[0]=demo", "at '/extraArgs/0'"),
        ("networkPolicy.from=null", "at '/networkPolicy': missing property 'from'"),
        ("serviceMonitor.interval=often", "at '/serviceMonitor/interval'"),
        ("serviceMonitor.enabled=true,podMonitor.enabled=true", "not both"),
    ],
)
def test_a_wrong_value_is_refused(setting: str, complaint: str) -> None:
    done = helm("template", "live", str(CHART), "--kube-version=1.37", "--set", setting)
    assert done.returncode != 0
    assert complaint in done.stderr


@pytest.mark.parametrize(("flags", "shards"), [(DEFAULT, 1), (SHARDS, 3), (ALL, 4)])
def test_each_pod_takes_its_share(flags: tuple[str, ...], shards: int) -> None:
    documents = rendered(*flags)
    container = at(one(documents, "StatefulSet"), CONTAINER)
    assert at(one(documents, "StatefulSet"), "spec/replicas") == shards
    label = "metadata.labels['apps.kubernetes.io/pod-index']"
    for ordinal in range(shards):
        environ = {
            each["name"]: each.get("value", str(ordinal))
            for each in container["env"]
            if "secretKeyRef" not in each.get("valueFrom", {})
        }
        options = parse(container.get("args", []), environ)
        assert (options.shard, options.total_shards) == (ordinal, shards)
        assert options.config_enable_auto_reload
    (own,) = [each for each in container["env"] if "fieldRef" in each.get("valueFrom", {})]
    assert (own["name"], own["valueFrom"]["fieldRef"]["fieldPath"]) == (
        "QUANTCONNECT_EXPORTER_SHARD",
        label,
    )


@pytest.mark.parametrize("flags", [DEFAULT, ALL])
def test_the_exporter_takes_the_configuration(flags: tuple[str, ...], tmp_path: Path) -> None:
    """As the pod mounts it, with the token that it names."""
    documents = rendered(*flags)
    configs = [each for each in documents if "quantconnect.yaml" in each.get("data", {})]
    written = configs[0]["data"]["quantconnect.yaml"]
    mounted = "/run/secrets/quantconnect"
    mounts = at(one(documents, "StatefulSet"), f"{CONTAINER}/volumeMounts")
    assert {"name": "secret", "mountPath": mounted, "readOnly": True} in mounts
    for name in ("token", "other-token"):
        (tmp_path / name).write_text("secret")
    file = tmp_path / "quantconnect.yaml"
    file.write_text(written.replace(mounted, str(tmp_path)))
    environ = {"QUANTCONNECT_USER_ID": "123456"}
    assert [each.user_id for each in load(file, environ).accounts] == [123456]


def test_the_image_looks_where_the_configuration_is_mounted() -> None:
    mounts = at(one(rendered(), "StatefulSet"), f"{CONTAINER}/volumeMounts")
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert f"\nWORKDIR {mounts[0]['mountPath']}\n" in dockerfile


def test_probes_speak_as_the_web_configuration_has_it() -> None:
    plain = at(one(rendered(), "StatefulSet"), CONTAINER)
    assert plain["livenessProbe"]["httpGet"] == {
        "path": "/-/healthy",
        "port": "metrics",
        "scheme": "HTTP",
    }
    assert plain["readinessProbe"]["httpGet"]["path"] == "/-/ready"
    tls = at(one(rendered(*ALL), "StatefulSet"), CONTAINER)
    assert tls["livenessProbe"]["httpGet"]["scheme"] == "HTTPS"
    required = "--set=webConfig.tls_server_config.client_auth_type=RequireAndVerifyClientCert"
    mutual = at(one(rendered(*ALL, required), "StatefulSet"), CONTAINER)
    for probe in ("livenessProbe", "readinessProbe"):
        assert mutual[probe]["tcpSocket"] == {"port": "metrics"}
        assert "httpGet" not in mutual[probe]


def test_the_pods_are_found_by_what_selects_them() -> None:
    documents = rendered(*ALL) + rendered(*PODS) + rendered(*POLICY)
    labels = at(one(rendered(*ALL), "StatefulSet"), "spec/template/metadata/labels").items()
    paths = {
        "StatefulSet": "spec/selector/matchLabels",
        "Service": "spec/selector",
        "PodMonitor": "spec/selector/matchLabels",
        "NetworkPolicy": "spec/podSelector/matchLabels",
    }
    for document in documents:
        if path := paths.get(document["kind"]):
            assert at(document, path).items() <= labels
    monitor = one(rendered(*ALL), "ServiceMonitor")
    service = one(rendered(*ALL), "Service")
    assert (
        monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    )
    assert monitor["spec"]["namespaceSelector"]["matchNames"] == ["trading"]


@pytest.mark.parametrize("flags", [ALL, PODS])
def test_a_restarted_pod_continues_its_series(flags: tuple[str, ...]) -> None:
    (monitor,) = [each for each in rendered(*flags) if each["kind"].endswith("Monitor")]
    (endpoint,) = monitor["spec"].get("endpoints") or monitor["spec"]["podMetricsEndpoints"]
    assert endpoint["relabelings"][0] == {
        "sourceLabels": ["__meta_kubernetes_pod_name"],
        "targetLabel": "instance",
    }


def test_the_pods_meet_the_restricted_pod_security_standard() -> None:
    pod = at(one(rendered(), "StatefulSet"), "spec/template/spec")
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert one(rendered(), "ServiceAccount")["automountServiceAccountToken"] is False


def test_no_secret_is_made_unless_asked_for() -> None:
    assert "Secret" not in {each["kind"] for each in rendered() + rendered(*EXISTING_SECRET)}
    volume = at(one(rendered(*EXISTING_SECRET), "StatefulSet"), "spec/template/spec/volumes/1")
    assert volume["secret"]["secretName"] == "mine"


def test_rules_and_dashboards_are_the_repositorys() -> None:
    documents = rendered(*ALL)
    rules = {
        path.name: yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
        for path in (ROOT / "prometheus" / "rules").glob("*.yml")
    }
    for name, content in rules.items():
        short = name.removeprefix("quantconnect-").removesuffix(".yml")
        assert one(documents, "PrometheusRule", short)["spec"] == content
    assert len(rules) == sum(each["kind"] == "PrometheusRule" for each in documents)
    boards = {
        path.name: json.loads(path.read_text(encoding="utf-8"))
        for path in (ROOT / "grafana" / "dashboards").glob("*.json")
    }
    shown = {
        name: json.loads(text)
        for each in documents
        if each["kind"] == "ConfigMap"
        for name, text in each["data"].items()
        if name.endswith(".json")
    }
    assert shown == boards


def test_the_package_has_them_in_it(tmp_path: Path) -> None:
    """What a registry gets, without the repository beside it; within what Kubernetes stores."""
    done = helm("package", str(CHART), "--destination", str(tmp_path))
    assert done.returncode == 0, done.stderr
    (archive,) = tmp_path.iterdir()
    # Helm keeps a release in a Secret, at most 1 MiB of it.
    assert archive.stat().st_size < 500_000
    with tarfile.open(archive) as packed:
        names = {member.name for member in packed if member.isfile()}
    for folder, files in (
        ("rules", ROOT.glob("prometheus/rules/*.yml")),
        ("dashboards", ROOT.glob("grafana/dashboards/*.json")),
    ):
        assert {f"{CHART.name}/files/{folder}/{path.name}" for path in files} <= names


def test_chart_and_exporter_have_one_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert chart["version"] == chart["appVersion"] == __version__


def test_the_notes_are_true(tmp_path: Path) -> None:
    """Helm prints them only with a cluster: here they are rendered as a ConfigMap."""
    chart = tmp_path / "chart"
    shutil.copytree(CHART, chart)
    text = (chart / "templates" / "NOTES.txt").read_text(encoding="utf-8")
    (chart / "templates" / "notes.yaml").write_text(
        "kind: ConfigMap\nmetadata: {name: notes}\ndata:\n  notes: |\n" + indent(text, "    ")
    )
    show = ("--kube-version=1.37", "--show-only=templates/notes.yaml")
    done = helm("template", "live", str(chart), "-n", "trading", *show)
    notes = yaml.safe_load(done.stdout)["data"]["notes"]
    assert "reads 1 account(s) with 1 shard(s)" in notes
    assert "--namespace trading create secret generic quantconnect \\\n" in notes
    assert "exec live-quantconnect-exporter-0 -- quantconnect-exporter doctor" in notes
    assert "serviceMonitor.enabled" in notes
    done = helm("template", "live", str(chart), "-n", "trading", *show, *ALL)
    notes = yaml.safe_load(done.stdout)["data"]["notes"]
    assert "with 4 shard(s)" in notes
    assert "create secret" not in notes
    assert "serviceMonitor.enabled" not in notes
