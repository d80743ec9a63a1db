"""Tests of hybrid routing: each case of its specification over real sockets. Template's files: do not edit."""
