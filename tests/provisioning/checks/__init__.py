"""Tests of what machines are asked: recorded answers, and how they are judged."""
