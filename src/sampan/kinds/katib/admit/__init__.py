"""Admission of experiments: what upstream's two webhooks do.

`defaults` fills in, `fields` and `template` say what is wrong in one Experiment, `changes` what may
not be changed, `webhook` puts it together as the answer 400 that a webhook gives; `unread` warns of
fields that mean nothing. Of suggestions, trials and all statuses, which controllers write, the
types are checked (`shapes`), where upstream takes anything.
Upstream: pkg/webhook/v1beta1/experiment.
"""
