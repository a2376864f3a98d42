"""The model that ships, asked through Envoy: a plain prompt of every domain, other languages, and what it must not be sure of.

How good the model is on hard prompts is measured elsewhere; here it is whether the whole way keeps what the model knows.
"""

from __future__ import annotations

import pytest
from lab import Listener

PLAIN = {
    "biology": "How do ribosomes translate messenger RNA into proteins inside a cell?",
    "business": "Write a marketing plan and a sales forecast for our new product launch and its customers",
    "chemistry": "Balance the equation for the reaction of hydrochloric acid with sodium carbonate and name the salt",
    "computer science": "Fix this Python function: the for loop raises IndexError when the list is empty",
    "economics": "How does inflation change when the central bank raises interest rates and demand falls?",
    "engineering": "Size a steel beam for a bending moment of 40 kNm with a safety factor of 1.5",
    "health": "I have a fever and a sore throat, which medicine helps and when should I see a doctor?",
    "history": "What caused the fall of the Roman Empire and who was emperor in the fifth century?",
    "law": "Can my landlord evict me without notice, and can I sue him in court for breach of the lease?",
    "math": "Solve the quadratic equation x^2 - 5x + 6 = 0 and factor the polynomial",
    "philosophy": "Explain Kant's categorical imperative and how it differs from utilitarian ethics",
    "physics": "What is the kinetic energy and momentum of a particle moving at half the speed of light?",
    "psychology": "How does cognitive behavioural therapy treat anxiety and intrusive thoughts?",
}
FOREIGN = {
    "es": ("math", "Calcula la derivada de la función f(x) = x^2 y resuelve la ecuación"),
    "fr": ("law", "Mon propriétaire refuse de rendre la caution, puis-je aller au tribunal pour le contrat de bail ?"),
    "de": ("health", "Welche Symptome hat eine Lungenentzündung und wann muss ich zum Arzt?"),
    "pt": ("history", "Quais foram as causas da Revolução Francesa no século XVIII?"),
    "zh": ("math", "求解一元二次方程 x² - 5x + 6 = 0"),
}
# Scripts in which nobody wrote training text.
UNKNOWN = ["ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ ᎠᏂᏴᏫᏯ ᎤᏂᏬᏂᎯᏍᏗ", "ސަރުކާރުން ދިން އެހީ ކޮބާ", "ꦲꦤꦕꦫꦏ ꦢꦠꦱꦮꦭ", "𐌰𐍄𐍄𐌰 𐌿𐌽𐍃𐌰𐍂 𐌸𐌿 𐌹𐌽 𐌷𐌹𐌼𐌹𐌽𐌰𐌼"]


@pytest.mark.parametrize("domain", PLAIN)
def test_a_plain_prompt(gateway: Listener, domain: str) -> None:
    sent = gateway.chat(PLAIN[domain])
    assert sent.reply.header("x-pointsman-domain") == domain
    assert sent.reply.header("x-pointsman-reason") == "classified"
    assert sent.seen.header("x-pointsman-domain") == domain


@pytest.mark.parametrize("language", FOREIGN)
def test_another_language(gateway: Listener, language: str) -> None:
    domain, prompt = FOREIGN[language]
    assert gateway.chat(prompt).reply.header("x-pointsman-domain") == domain


@pytest.mark.parametrize("prompt", UNKNOWN, ids=["Cherokee", "Thaana", "Javanese", "Gothic"])
def test_a_script_that_training_never_saw_is_unsure(gateway: Listener, prompt: str) -> None:
    sent = gateway.chat(prompt)
    assert sent.reply.header("x-pointsman-reason") == "unsure"
    assert sent.seen.header("x-pointsman-domain") is None


def test_classifying_is_quick(gateway: Listener) -> None:
    """A prompt of about 128 tokens; the bound is loose because machines that test are busy, ./build.sh demo prints the figure."""
    prompt = " ".join(PLAIN.values())[:600]
    spent = sorted(gateway.chat(prompt).reply.number("x-pointsman-classify-us") for _ in range(40))
    assert spent[len(spent) // 2] <= 300, spent
