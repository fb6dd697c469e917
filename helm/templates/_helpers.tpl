{{- define "labels" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "image" -}}
{{ .root.Values.image.repository }}/{{ .component }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- end }}

{{- define "appUrl" -}}
{{- $ingress := .Values.ingress -}}
{{- $reached := printf "%s://%s" (empty $ingress.tlsSecret | ternary "http" "https") $ingress.host -}}
{{- $local := printf "http://127.0.0.1:%v" .Values.services.gateway.httpPort -}}
{{ .Values.config.appUrl | default (ternary $reached $local $ingress.enabled) }}
{{- end }}

{{- define "secretEnv" -}}
- name: {{ .name }}
  valueFrom: { secretKeyRef: { name: {{ .root.Values.existingSecret }}, key: {{ .key | default .name }}, optional: {{ .optional | default false }} } }
{{- end }}

{{- define "securityContext" -}}
runAsNonRoot: true
runAsUser: 1000
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
seccompProfile: { type: RuntimeDefault }
{{- end }}
