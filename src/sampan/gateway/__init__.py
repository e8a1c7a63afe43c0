"""The one port that browsers and SDKs come to."""
