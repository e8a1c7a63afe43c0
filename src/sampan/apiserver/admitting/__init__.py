"""Admission from outside: webhooks that others run, and policies written in CEL.

    late         loads the rest when something is configured
    hooks        which of them an attempt concerns; mutating ones in order, then the rest at once
    matching     rules, selectors and conditions: whether one concerns an attempt
    webhooks     what a webhook configuration says; reviews: the question and the answer; transport
    policies     ValidatingAdmissionPolicies and their bindings
    definitions  what is wrong with a configuration

Upstream: k8s.io/apiserver pkg/admission/plugin/{webhook,policy}.
"""
