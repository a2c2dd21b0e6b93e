"""Language models: what agents see as text, and the models that read it.

Nothing here imports transformers or peft before a model or its tokenizer is loaded.
"""

from __future__ import annotations
