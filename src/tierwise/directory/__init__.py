"""What everything refers to: companies, people, sites, items, customers, network, segments, supports and policies."""
