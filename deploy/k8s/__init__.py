"""Manifests for Kubernetes (kustomize), and their check: `make k8s-check`."""
