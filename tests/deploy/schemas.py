"""Schemas of Kubernetes and of the Prometheus operator, and what they say of a manifest."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import jsonschema
import kubernetes_validate  # type: ignore[import-untyped]
import yaml

from .paths import ROOT

OPERATOR = ROOT / "bin" / "crds"
"""The operator's CustomResourceDefinitions, where `make linters` puts them."""


def complaints(manifest: dict[str, Any], release: str) -> list[str]:
    """What is wrong with a manifest in this release of Kubernetes; [] if nothing is."""
    if manifest["apiVersion"].startswith("monitoring.coreos.com/"):
        errors = _operator(manifest["kind"]).iter_errors(manifest)
        return [f"{error.json_path}: {error.message}" for error in errors]
    return _kubernetes(json.dumps(manifest), release)


@cache
def _kubernetes(manifest: str, release: str) -> list[str]:
    """Each that is different once: every time all definitions of Kubernetes are read."""
    try:
        kubernetes_validate.validate(json.loads(manifest), release, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [str(error)]
    return []


@cache
def _operator(kind: str) -> jsonschema.Draft7Validator:
    file = OPERATOR / f"monitoring.coreos.com_{kind.lower()}s.yaml"
    definition = yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)
    (version,) = definition["spec"]["versions"]
    return jsonschema.Draft7Validator(_strict(version["schema"]["openAPIV3Schema"]))


def _strict(schema: Any) -> Any:
    """Kubernetes's schema as JSON schema: without unknown keys, and with ints beside strings."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {key: _strict(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema["properties"]:
        strict.setdefault("additionalProperties", False)
    if schema.get("x-kubernetes-int-or-string"):
        strict.pop("type", None)
    return strict
