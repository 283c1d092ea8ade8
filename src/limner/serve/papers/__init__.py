"""Papers of a corpus by day: a feed, search by meaning, votes and what trends, subscriptions with an illustrated digest by e-mail."""
