"""Go's package time, as far as languages show it to users: durations, moments, layouts.

`durations` reads and writes `1h30m`; `moments` is a point in time with a zone, to the nanosecond
and for any year; `layouts` reads and writes moments after an example, `2006-01-02 15:04:05 MST`.
Nothing here reads a clock. Upstream: the Go standard library, package time.
"""
