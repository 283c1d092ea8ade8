"""Measures of answers: of their texts, of their images, and of both together; one module a subject, functions of plain
values."""
