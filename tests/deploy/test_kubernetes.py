"""The Kubernetes manifests: they build, are valid, and what they name is there."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from exporter import __version__
from exporter.cli.flags import parse
from exporter.config import Config, load

from .flags import variables
from .paths import ROOT
from .schemas import OPERATOR, complaints

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = ROOT / "deploy" / "kubernetes"
NAME = "quantconnect-exporter"
OURS = {"app.kubernetes.io/name": NAME}
RELEASES = ("1.28", "1.32", "1.37")
"""The oldest with the label that has a pod's ordinal, one between, and the newest."""

PAGE = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
(STEPS,) = (step for step in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) if "kubectl" in step)

Manifests = dict[str, dict[str, Any]]

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="not installed: kubectl")


def built(folder: str) -> str:
    done = subprocess.run(
        ["kubectl", "kustomize", str(FOLDER / folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module", params=["base", "example"])
def text(request: pytest.FixtureRequest) -> str:
    return built(request.param)


@pytest.fixture(scope="module")
def manifests(text: str) -> Manifests:
    """By kind, of which there is one each."""
    documents = list(yaml.safe_load_all(text))
    found = {document["kind"]: document for document in documents}
    assert len(found) == len(documents)
    return found


def pod(manifests: Manifests) -> dict[str, Any]:
    spec: dict[str, Any] = manifests["StatefulSet"]["spec"]["template"]["spec"]
    return spec


def container(manifests: Manifests) -> dict[str, Any]:
    (only,) = pod(manifests)["containers"]
    assert isinstance(only, dict)
    return only


def environment(manifests: Manifests, *, ordinal: int) -> dict[str, str]:
    """What the exporter of a pod finds in its environment."""
    environ = {}
    for variable in container(manifests)["env"]:
        source = variable.get("valueFrom", {})
        if "fieldRef" in source:
            label = "metadata.labels['apps.kubernetes.io/pod-index']"
            assert source["fieldRef"]["fieldPath"] == label
            environ[variable["name"]] = str(ordinal)
        elif "secretKeyRef" in source:
            environ[variable["name"]] = "123456"
        else:
            environ[variable["name"]] = variable["value"]
    return environ


def configuration(manifests: Manifests, directory: Path) -> Config:
    """The configuration as a pod reads it."""
    mounted = {mount["name"]: mount["mountPath"] for mount in container(manifests)["volumeMounts"]}
    token = directory / "token"
    token.write_text("secret")
    file = directory / "quantconnect.yaml"
    written = manifests["ConfigMap"]["data"]["quantconnect.yaml"]
    assert f"{mounted['token']}/token" in written
    file.write_text(written.replace(f"{mounted['token']}/token", str(token)))
    return load(file, environment(manifests, ordinal=0))


def test_probes_need_no_client_certificate(manifests: Manifests, tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "kubernetes")
    overlay = tmp_path / "kubernetes" / "overlay"
    overlay.mkdir()
    kustomization = {"resources": ["../base"], "components": ["../client-certificates"]}
    (overlay / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    mutual = {each["kind"]: each for each in yaml.safe_load_all(built(str(overlay)))}
    for probe, path in (("livenessProbe", "/-/healthy"), ("readinessProbe", "/-/ready")):
        usual, bare = dict(container(manifests)[probe]), dict(container(mutual)[probe])
        assert usual.pop("httpGet") == {"path": path, "port": "metrics"}
        assert bare.pop("tcpSocket") == {"port": "metrics"}
        assert usual == bare


@pytest.mark.parametrize("release", RELEASES)
def test_kubernetes_takes_every_manifest(manifests: Manifests, release: str) -> None:
    for kind, document in manifests.items():
        # The operator's schema is there once `make linters` has fetched it.
        if kind != "PodMonitor" or OPERATOR.is_dir():
            assert complaints(document, release) == [], kind


def test_each_pod_takes_the_shard_of_its_ordinal(
    manifests: Manifests, capsys: pytest.CaptureFixture[str]
) -> None:
    replicas = manifests["StatefulSet"]["spec"]["replicas"]
    shares = set()
    for ordinal in range(replicas):
        environ = environment(manifests, ordinal=ordinal)
        own = {name for name in environ if name.startswith("QUANTCONNECT_EXPORTER_")}
        assert own <= variables(capsys)
        options = parse([], environ)
        shares.add((options.shard, options.total_shards))
        assert options.config_enable_auto_reload
    assert shares == {(ordinal, replicas) for ordinal in range(replicas)}


def test_the_configuration_is_valid(manifests: Manifests, tmp_path: Path) -> None:
    config = configuration(manifests, tmp_path)
    assert [account.user_id for account in config.accounts] == [123456]


def test_the_example_runs_this_version() -> None:
    (document,) = [
        each for each in yaml.safe_load_all(built("example")) if each["kind"] == "StatefulSet"
    ]
    image = container({"StatefulSet": document})["image"]
    assert image.endswith(f"/{NAME}:{__version__}")


def test_configuration_and_token_are_mounted_where_they_are_read(manifests: Manifests) -> None:
    volumes = {volume["name"]: volume for volume in pod(manifests)["volumes"]}
    mounts = {mount["name"]: mount for mount in container(manifests)["volumeMounts"]}
    assert volumes.keys() == mounts.keys()
    assert volumes["config"]["configMap"]["name"] == manifests["ConfigMap"]["metadata"]["name"]
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert f"\nWORKDIR {mounts['config']['mountPath']}\n" in dockerfile
    # With a subPath Kubernetes never renews what is mounted.
    assert all(mount["readOnly"] and "subPath" not in mount for mount in mounts.values())
    keys = {item["key"] for item in volumes["token"]["secret"]["items"]}
    keys |= {
        variable["valueFrom"]["secretKeyRef"]["key"]
        for variable in container(manifests)["env"]
        if "secretKeyRef" in variable.get("valueFrom", {})
    }
    assert keys == {"user-id", "token"}
    (made,) = re.findall(r"create secret generic ([\w-]+) (.+?) *#", STEPS, re.DOTALL)
    assert made[0] == volumes["token"]["secret"]["secretName"]
    assert set(re.findall(r"--from-\w+=([\w-]+)=", made[1])) == keys


def test_no_secret_is_in_them(manifests: Manifests) -> None:
    """Whoever applies them would put it in the place of the real one."""
    assert "Secret" not in manifests


def test_the_printed_steps_make_the_secret_where_the_example_looks_for_it() -> None:
    documents = yaml.safe_load_all(built("example"))
    (namespace,) = {document["metadata"]["namespace"] for document in documents}
    assert f"kubectl create namespace {namespace}\n" in STEPS
    assert f"kubectl --namespace {namespace} create secret" in STEPS
    assert "kubectl apply -k deploy/kubernetes/example\n" in STEPS


def test_the_pods_meet_the_restricted_pod_security_standard(manifests: Manifests) -> None:
    security = pod(manifests)["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["runAsUser"] == 65532
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    own = container(manifests)["securityContext"]
    assert own["allowPrivilegeEscalation"] is False
    assert own["capabilities"] == {"drop": ["ALL"]}
    assert own["readOnlyRootFilesystem"] is True
    assert pod(manifests)["automountServiceAccountToken"] is False
    # Variables such as QUANTCONNECT_EXPORTER_PORT would be taken for flags.
    assert pod(manifests)["enableServiceLinks"] is False


def test_one_label_selects_the_pods_everywhere(manifests: Manifests) -> None:
    template = manifests["StatefulSet"]["spec"]["template"]["metadata"]["labels"]
    assert template == OURS
    assert manifests["StatefulSet"]["spec"]["selector"]["matchLabels"] == OURS
    assert manifests["Service"]["spec"]["selector"] == OURS
    assert manifests["NetworkPolicy"]["spec"]["podSelector"] == {"matchLabels": OURS}
    if "PodMonitor" in manifests:
        assert manifests["PodMonitor"]["spec"]["selector"] == {"matchLabels": OURS}


def test_the_service_names_each_pod(manifests: Manifests) -> None:
    assert manifests["Service"]["spec"]["clusterIP"] == "None"
    assert manifests["StatefulSet"]["spec"]["serviceName"] == NAME
    assert manifests["Service"]["metadata"]["name"] == NAME


def test_everyone_means_the_same_port(manifests: Manifests) -> None:
    (port,) = container(manifests)["ports"]
    assert port == {"name": "metrics", "containerPort": 10270}
    annotations = manifests["StatefulSet"]["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/port"] == str(port["containerPort"])
    for probe in ("livenessProbe", "readinessProbe"):
        assert container(manifests)[probe]["httpGet"]["port"] == port["name"]
    (ingress,) = manifests["NetworkPolicy"]["spec"]["ingress"]
    assert [each["port"] for each in ingress["ports"]] == [port["name"]]
    if "PodMonitor" in manifests:
        (endpoint,) = manifests["PodMonitor"]["spec"]["podMetricsEndpoints"]
        assert endpoint["port"] == port["name"]
