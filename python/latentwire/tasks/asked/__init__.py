"""Question-blind tasks: the sender reads a text, the receiver is asked what the sender never saw.

One kind of question a file, listed here. Every set draws its questions from a seed; the answers of
closed ones are balanced, so that what can be guessed without the text is known.
"""

from latentwire.tasks import AG_NEWS, BANKING77, SST2, TASKS, TREC, TREC_FINE
from latentwire.tasks.asked.actor import actors
from latentwire.tasks.asked.any_text import AnyTextQuestions
from latentwire.tasks.asked.base import Asked, QuestionSet, group_by_text, majority_rate
from latentwire.tasks.asked.contrast import Candidate, ContrastQuestions
from latentwire.tasks.asked.counted import counted
from latentwire.tasks.asked.labels import LabelQuestions
from latentwire.tasks.asked.masked import masked
from latentwire.tasks.asked.occurring import names, numbers, words
from latentwire.tasks.asked.passages import BOOLQ, SQUAD, PassageQuestions
from latentwire.tasks.asked.repeated import RepeatQuestions
from latentwire.tasks.asked.story import StoryQuestions, quantity, result, what, who_did, who_has

_SETS: tuple[QuestionSet, ...] = (
    *map(LabelQuestions, TASKS.values()),
    LabelQuestions(TREC_FINE),
    ContrastQuestions("occurring_name", names, (AG_NEWS, TREC), same_label=True),
    ContrastQuestions("occurring_number", numbers, (AG_NEWS,), same_label=True),
    ContrastQuestions("occurring_word", words, (SST2, TREC, BANKING77), same_label=True),
    ContrastQuestions("how_many", counted, (AG_NEWS,)),
    ContrastQuestions("who_did", actors, (AG_NEWS,)),
    ContrastQuestions("masked_word", masked, (SST2, AG_NEWS, TREC)),
    RepeatQuestions("repeat", (SST2, AG_NEWS, TREC, BANKING77)),
    BOOLQ,
    SQUAD,
    StoryQuestions("story_quantity", quantity),
    StoryQuestions("story_who_has", who_has),
    StoryQuestions("story_who_did", who_did),
    StoryQuestions("story_what", what),
    StoryQuestions("story_one_step", result(1)),
    StoryQuestions("story_two_steps", result(2)),
)

QUESTION_SETS: dict[str, QuestionSet] = {questions.kind: questions for questions in _SETS}
"""Every kind of question by name, in the order in which tables list them."""

__all__ = [
    "BOOLQ",
    "QUESTION_SETS",
    "SQUAD",
    "AnyTextQuestions",
    "Asked",
    "Candidate",
    "ContrastQuestions",
    "LabelQuestions",
    "PassageQuestions",
    "QuestionSet",
    "RepeatQuestions",
    "StoryQuestions",
    "group_by_text",
    "majority_rate",
]
