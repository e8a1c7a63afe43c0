"""ResourceQuotas: what objects count for, a ledger of what is used, and the refusal of too much.

`usage` and `scopes` are facts about one object, `ledger` sums them per quota and is exact at every
moment, `report` shows the sums in each quota's status. A namespace without a quota costs its
writers one dictionary look-up. Upstream: k8s.io/kubernetes pkg/quota/v1, k8s.io/apiserver
pkg/admission/plugin/resourcequota.
"""
