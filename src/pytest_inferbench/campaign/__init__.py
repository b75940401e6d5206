"""Campaigns: what to start and measure next, and what it says. Law: pure; who carries a step out lives above."""
