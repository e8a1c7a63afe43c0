"""Each label, annotation, finalizer and kind that leaves the process, named once.

Groups of the products (`argoproj.io`, …) are written here and nowhere else in the Python sources;
a test greps for strays.
"""

from __future__ import annotations

# Kinds, as `sampan.kube.keys` writes them.
CONFIG_MAP = "ConfigMap"
ENDPOINTS = "Endpoints"
EVENT = "Event"
NAMESPACE = "Namespace"
NODE = "Node"
PERSISTENT_VOLUME = "PersistentVolume"
PERSISTENT_VOLUME_CLAIM = "PersistentVolumeClaim"
POD = "Pod"
RESOURCE_QUOTA = "ResourceQuota"
LIMIT_RANGE = "LimitRange"
SECRET = "Secret"
SERVICE = "Service"
SERVICE_ACCOUNT = "ServiceAccount"
CONTROLLER_REVISION = "ControllerRevision.apps"
DEPLOYMENT = "Deployment.apps"
REPLICA_SET = "ReplicaSet.apps"
STATEFUL_SET = "StatefulSet.apps"
DAEMON_SET = "DaemonSet.apps"
REPLICATION_CONTROLLER = "ReplicationController"
JOB = "Job.batch"
CRON_JOB = "CronJob.batch"
POD_DISRUPTION_BUDGET = "PodDisruptionBudget.policy"
HORIZONTAL_POD_AUTOSCALER = "HorizontalPodAutoscaler.autoscaling"
ENDPOINT_SLICE = "EndpointSlice.discovery.k8s.io"
LEASE = "Lease.coordination.k8s.io"
STORAGE_CLASS = "StorageClass.storage.k8s.io"
PLACED = (PERSISTENT_VOLUME, STORAGE_CLASS)
"""Kinds whose objects name directories of this machine."""
SIGNING_REQUEST = "CertificateSigningRequest.certificates.k8s.io"
RUNTIME_CLASS = "RuntimeClass.node.k8s.io"
PRIORITY_CLASS = "PriorityClass.scheduling.k8s.io"
ROLE = "Role.rbac.authorization.k8s.io"
ROLE_BINDING = "RoleBinding.rbac.authorization.k8s.io"
CLUSTER_ROLE = "ClusterRole.rbac.authorization.k8s.io"
CLUSTER_ROLE_BINDING = "ClusterRoleBinding.rbac.authorization.k8s.io"
CRD = "CustomResourceDefinition.apiextensions.k8s.io"
POD_METRICS = "PodMetrics.metrics.k8s.io"
NODE_METRICS = "NodeMetrics.metrics.k8s.io"
ARGO_GROUP = "argoproj.io"
WORKFLOW = f"Workflow.{ARGO_GROUP}"
WORKFLOW_TASK_RESULT = f"WorkflowTaskResult.{ARGO_GROUP}"

# Finalizers.
FINALIZER_FOREGROUND = "foregroundDeletion"
FINALIZER_ORPHAN = "orphan"
FINALIZER_CRD = "customresourcecleanup.apiextensions.k8s.io"
FINALIZER_PVC = "kubernetes.io/pvc-protection"
FINALIZER_PV = "kubernetes.io/pv-protection"
FINALIZER_JOB = "batch.kubernetes.io/job-tracking"
FINALIZER_NAMESPACE = "kubernetes"  # in spec.finalizers

# Labels and annotations of Kubernetes.
LABEL_NAMESPACE_NAME = "kubernetes.io/metadata.name"
LABEL_HOSTNAME = "kubernetes.io/hostname"
LABEL_JOB_NAME = "batch.kubernetes.io/job-name"
LABEL_CONTROLLER_UID = "batch.kubernetes.io/controller-uid"
LABEL_POD_TEMPLATE_HASH = "pod-template-hash"
LABEL_CONTROLLER_REVISION_HASH = "controller-revision-hash"
LABEL_TEMPLATE_GENERATION = "pod-template-generation"
LABEL_STATEFUL_SET_POD_NAME = "statefulset.kubernetes.io/pod-name"
LABEL_POD_INDEX = "apps.kubernetes.io/pod-index"
ANNOTATION_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
ANNOTATION_ACCOUNT_NAME = "kubernetes.io/service-account.name"
ANNOTATION_ACCOUNT_UID = "kubernetes.io/service-account.uid"
ANNOTATION_OLD_CLASS = "volume.beta.kubernetes.io/storage-class"
ANNOTATION_BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
ANNOTATION_PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
LABEL_SERVICE_NAME = "kubernetes.io/service-name"
LABEL_SKIP_MIRROR = "endpointslice.kubernetes.io/skip-mirror"
LABEL_HEADLESS = "service.kubernetes.io/headless"
LABEL_SLICE_MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
ANNOTATION_REVISION = "deployment.kubernetes.io/revision"
ANNOTATION_REVISION_HISTORY = "deployment.kubernetes.io/revision-history"
ANNOTATION_DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas"
ANNOTATION_MAX_REPLICAS = "deployment.kubernetes.io/max-replicas"
ANNOTATION_TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
ANNOTATION_DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
LABEL_REVISION_DIGEST = "controller.kubernetes.io/hash"
LABEL_COMPLETION_INDEX = "batch.kubernetes.io/job-completion-index"
ANNOTATION_INDEX_FAILURES = "batch.kubernetes.io/job-index-failure-count"
ANNOTATION_SCHEDULED_AT = "batch.kubernetes.io/cronjob-scheduled-timestamp"
JOB_CONTROLLER = "kubernetes.io/job-controller"
ANNOTATION_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
ANNOTATION_DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
ANNOTATION_RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"

# Argo Workflows.
WORKFLOWS_PREFIX = f"workflows.{ARGO_GROUP}/"
LABEL_WORKFLOW = WORKFLOWS_PREFIX + "workflow"
LABEL_WORKFLOW_PHASE = WORKFLOWS_PREFIX + "phase"
LABEL_WORKFLOW_COMPLETED = WORKFLOWS_PREFIX + "completed"
LABEL_OUTPUTS_REPORTED = WORKFLOWS_PREFIX + "report-outputs-completed"
ANNOTATION_NODE_ID = WORKFLOWS_PREFIX + "node-id"
ANNOTATION_NODE_NAME = WORKFLOWS_PREFIX + "node-name"

# What we say that we are; kubectl's dispatchers choose their version by it.
KUBERNETES_VERSION = "v1.33.0+sampan"

# Who writes: field managers and users.
MANAGER = "sampan"
USER_SYSTEM = "system:sampan"
GROUP_MASTERS = "system:masters"
GROUP_AUTHENTICATED = "system:authenticated"
USER_ADMIN = "kubernetes-admin"  # as kubeadm names whom its kubeconfig is for
USER_ANONYMOUS = "system:anonymous"
GROUP_UNAUTHENTICATED = "system:unauthenticated"
GROUP_SERVICE_ACCOUNTS = "system:serviceaccounts"

# Groups, where a field asks for one by itself.
GROUP_RBAC = "rbac.authorization.k8s.io"
LABEL_AGGREGATE_TO = f"{GROUP_RBAC}/aggregate-to-"
SLICE_CONTROLLER = "endpointslice-controller.k8s.io"
SLICE_MIRROR = "endpointslicemirroring-controller.k8s.io"

# What the embedded cluster calls its own things, and what every cluster has.
ROOT_CA = "kube-root-ca.crt"
SYSTEM_NAMESPACE = "kube-system"
DEFAULT_ACCOUNT = "default"
ACCOUNT_TOKEN = "kubernetes.io/service-account-token"  # a type of Secret
ACCOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
DEFAULT_STORAGE_CLASS = "standard"
LOCAL_PROVISIONER = "sampan.local/path"
DEFAULT_USER_NAMESPACE = "kubeflow-user-example-com"
