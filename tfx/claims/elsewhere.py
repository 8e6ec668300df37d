"""Sentences that no machine of a reader can decide: products, training at scale, published results, forecasts."""

from __future__ import annotations

from tfx.claims.claim import not_measurable

SECTION = "Products and results at scale"

#: id, what is said, where, and why nothing here can decide it.
OPEN = (
    (
        "C324", "ChatGPT and its relatives hold conversations, write code and answer questions.", "D0:2148 D0:2153",
        "it describes products: their makers' reports and user studies say what they do, not a toy of the same design.",
    ),
    (
        "C325", "BERT is used in web search.", "D0:2158 D0:2175",
        "it is a fact about a company's service; only what the company published can show it.",
    ),
    (
        "C326", "Translation services run on Transformers, one for a hundred languages.", "D0:2168 D0:2169 D0:2170",
        "what runs behind a service is not seen from outside, and a model of a hundred languages needs their data.",
    ),
    (
        "C327", "Search engines, office suites and language courses use Transformers.", "D0:2176 D0:2189 D0:2239",
        "these are facts about products, and change with every release.",
    ),
    (
        "C329", "Photo search and picture generators use the Vision Transformer.", "D0:2318 D0:2322 D0:2323",
        "which encoder a product uses is for its makers to say; some use convolutions, or a text encoder alone.",
    ),
    (
        "C330", "Composing programs such as MuseNet and AIVA use Transformers.", "D0:2345",
        "it is a fact about products, of which only one has a published design.",
    ),
    (
        "C331", "AlphaFold is built on attention and changed biology.", "D0:2228 D0:2354",
        "its architecture is published and can be read, its weight in biology is for biologists to say; neither is a "
        "measurement here.",
    ),
    (
        "C332", "Training a model of GPT-3's size takes about 1,287 MWh.", "D0:2473 D0:2574",
        "the published figure is an estimate from hardware and hours of one run; nobody here can repeat it.",
    ),
    (
        "C334", "GLaM and PaLM 2 beat dense models at a part of the cost.", "D0:2087 D0:2089 D0:2093",
        "these are benchmark results of models that are not public, trained on data that is not either.",
    ),
    (
        "C335", "Instruction tuning and chain-of-thought prompts make models answer better.", "D0:1257 D0:1262",
        "the gains are reported for large language models, and are said to be absent in small ones, which is all there "
        "is here.",
    ),
    (
        "C336", "Lion and AdamW generalise better at scale.", "D0:1300 D0:1295",
        "it compares long runs of large models, tuned for each optimiser; a toy ranks optimisers on that toy.",
    ),
    (
        "C337", "Augmentation of text makes language models better.", "D0:1365 D0:1366",
        "it depends on the corpus and on how much of it there is; on made-up sentences the answer is built in.",
    ),
    (
        "C339", "Better hardware use often gains more than a better algorithm.", "D0:1947",
        "it compares decades of work on many machines; one machine and one library are no sample.",
    ),
    (
        "C340", "Removing bias from a model costs accuracy.", "D0:2570",
        "both depend on the data, on which groups are compared, and on what is called fair.",
    ),
    (
        "C341", "Within some years models will have the abilities named.", "D0:2755 D0:2762 D0:2769",
        "a forecast is decided by waiting.",
    ),
    (
        "C342", "Quantum computers will speed up attention.", "D0:2746 D0:2751",
        "it needs a quantum computer that can hold the input; what is published is a bound on paper.",
    ),
    (
        "C344", "Models that write all tokens at once are used for translation in real time.", "D4:92",
        "which model a service runs is known to its makers.",
    ),
    (
        "C345", "Vision Transformers succeed at classification, detection and segmentation.", "D4:102",
        "the results are of large models on large sets of photographs; the digits here show the mechanism alone.",
    ),
    (
        "C346", "Large and multilingual models learn biases of position of their own.", "D1:694 D1:722",
        "it asks about trained models of a size that does not run here.",
    ),
    (
        "C347", "Random attention weights sometimes do as well as learned ones.", "D0:1874",
        "it was reported for some language tasks at full size (Tay et al. 2021, Synthesizer); which ones they are "
        "cannot be told from a toy.",
    ),
)  # fmt: skip

for id, says, where, why in OPEN:
    not_measurable(id, says, why=why, section=SECTION, where=where)
