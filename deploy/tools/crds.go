//go:build crds

// Package tools pins the Prometheus operator, whose CustomResourceDefinitions the chart's tests read.
package tools

import _ "github.com/prometheus-operator/prometheus-operator/pkg/versionutil"
