"""A password, a volume of the run's own and a directory that its steps share."""

from kfp import dsl, kubernetes

IMAGE = "alpine:3.20"


@dsl.container_component
def write(path: str):
    script = 'mkdir -p "$0"; echo "$USER_NAME has $(cat /secret/password)" > "$0/note"'
    return dsl.ContainerSpec(image=IMAGE, command=["sh", "-ec", script, path])


@dsl.container_component
def copy(source: str, target: str):
    return dsl.ContainerSpec(image=IMAGE, command=["cp", "-v", source, target])


@dsl.container_component
def read(path: str, text: dsl.OutputPath(str)):
    script = 'cp "$0" "$1"; cat "$0"'
    return dsl.ContainerSpec(image=IMAGE, command=["sh", "-ec", script, path, text])


WORKSPACE = dsl.WorkspaceConfig(
    size="1Gi",
    kubernetes=dsl.KubernetesWorkspaceConfig(pvcSpecPatch={"accessModes": ["ReadWriteOnce"]}),
)
NOTES = dsl.WORKSPACE_PATH_PLACEHOLDER + "/notes"


@dsl.pipeline(
    description="Secrets, a claim and the workspace",
    pipeline_config=dsl.PipelineConfig(workspace=WORKSPACE),
)
def volumes(secret: str = "login") -> str:
    claim = kubernetes.CreatePVC(
        pvc_name_suffix="-data", access_modes=["ReadWriteOnce"], size="1Gi"
    )
    name = claim.outputs["name"]
    written = write(path=NOTES)
    kubernetes.use_secret_as_volume(written, secret_name=secret, mount_path="/secret")
    kubernetes.use_secret_as_env(
        written, secret_name=secret, secret_key_to_env={"user": "USER_NAME"}
    )
    copied = copy(source=NOTES + "/note", target="/data/note").after(written)
    kubernetes.mount_pvc(copied, pvc_name=name, mount_path="/data")
    found = read(path="/data/note").after(copied)
    kubernetes.mount_pvc(found, pvc_name=name, mount_path="/data")
    kubernetes.DeletePVC(pvc_name=name).after(found)
    return found.outputs["text"]
