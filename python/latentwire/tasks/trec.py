"""TREC: what kind of thing a question asks for (Li and Roth 2002, https://aclanthology.org/C02-1150)."""

from latentwire.tasks.base import Task

TREC = Task(
    name="trec",
    question="Question type:",
    label_to_answer={
        "abbreviation": "abbreviation",
        "entity": "entity",
        "description": "description",
        "human": "human",
        "location": "location",
        "number": "number",
    },
)
