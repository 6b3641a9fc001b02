{{/* The name of every object: the release's, with the chart's unless that is part of it. */}}
{{- define "exporter.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- default $full .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- end }}

{{/* The labels by which the pods are selected. */}}
{{- define "exporter.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* The labels of every object. */}}
{{- define "exporter.labels" -}}
{{ include "exporter.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "exporter.image" -}}
{{- $name := list .Values.image.registry .Values.image.repository | compact | join "/" -}}
{{- with .Values.image.digest -}}
{{ $name }}@{{ . }}
{{- else -}}
{{ $name }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end }}

{{- define "exporter.serviceAccountName" -}}
{{- default (ternary (include "exporter.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name -}}
{{- end }}

{{/* How Kubernetes asks for a path, called with a list of it and the root. A client without a
certificate can ask nothing where one is required; then the open port has to do. */}}
{{- define "exporter.probe" -}}
{{- $path := index . 0 -}}
{{- $tls := (index . 1).Values.webConfig.tls_server_config -}}
{{- if and $tls (hasPrefix "Require" (default "" $tls.client_auth_type)) -}}
tcpSocket: {port: metrics}
{{- else -}}
httpGet: {path: {{ $path }}, port: metrics, scheme: {{ ternary "HTTPS" "HTTP" (not (empty $tls)) }}}
{{- end -}}
{{- end }}

{{/* The endpoint of a monitor, called with its values. */}}
{{- define "exporter.endpoint" -}}
- port: metrics
  scheme: {{ .scheme }}
  interval: {{ .interval }}
  {{- with .scrapeTimeout }}
  scrapeTimeout: {{ . }}
  {{- end }}
  {{- with .tlsConfig }}
  tlsConfig:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .basicAuth }}
  basicAuth:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  relabelings:
    # The pod's name remains after a restart; its address does not.
    - sourceLabels: [__meta_kubernetes_pod_name]
      targetLabel: instance
    {{- with .relabelings }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .metricRelabelings }}
  metricRelabelings:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
