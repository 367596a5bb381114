"""One question for code, and one for a description of the code that came: the alignment of thought of MCTS-AHD.

Source: Zheng et al. 2025, arXiv:2501.08603. The description goes with the code into later prompts, in the
place of what was intended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slotforge.prompts.extract import ExtractError

if TYPE_CHECKING:
    from slotforge.search.proposers.dialogue import Dialogue


async def conduct(dialogue: Dialogue) -> str:
    """Return the answer to the operator's question, once it has been described where it holds code."""
    answer = await dialogue.ask("propose")
    try:
        proposal = dialogue.extract(answer)
    except ExtractError:
        return answer
    await dialogue.ask("align", proposal=proposal)
    return answer
