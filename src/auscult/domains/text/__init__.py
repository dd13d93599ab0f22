"""Text: what is written about and by medical devices, from exports to answers."""

from __future__ import annotations

from auscult.base.contracts import Domain

_HERE = "auscult.domains.text"
CHECKS = ("encodings", "unlabelled", "spans-of-other-types")
WORDS = ("identifiers", "label-phrases", "templates")
FORMS = ("text-languages", "cut-off", "hidden-characters", "rare-labels")

DOMAIN = Domain(
    name="text",
    summary="device reports, service logs and notes: classes, labels, spans, drafts",
    readers={
        "brat": f"{_HERE}.readers.brat:BratReader",
        "iob": f"{_HERE}.readers.iob:IobReader",
        "maude": f"{_HERE}.readers.maude:MaudeReader",
        "openfda": f"{_HERE}.readers.openfda:OpenfdaReader",
        "span-json": f"{_HERE}.readers.span_json:SpanJsonReader",
        "jsonl": f"{_HERE}.readers.jsonl:JsonlReader",
        "text-table": f"{_HERE}.readers.table:TextTableReader",
        "plain": f"{_HERE}.readers.plain:PlainReader",
    },
    tasks={
        "document-class": f"{_HERE}.tasks.document_class:DocumentClass",
        "event-parse": f"{_HERE}.tasks.event_parse:EventParse",
        "masked-text": f"{_HERE}.tasks.masked_text:MaskedText",
        "text-spans": f"{_HERE}.tasks.text_spans:TextSpans",
        "text-pair": f"{_HERE}.tasks.text_pair:TextPair",
        "document-labels": f"{_HERE}.tasks.document_labels:DocumentLabels",
        "report-generation": f"{_HERE}.tasks.report_generation:ReportGeneration",
    },
    models={
        "word-frequency": f"{_HERE}.models.word_frequency:WordFrequency",
        "window-tagger": f"{_HERE}.models.window_tagger:WindowTagger",
        "pronoun-rule": f"{_HERE}.models.sex_rule:PronounRule",
        "sex-rule": f"{_HERE}.models.sex_rule:SexRule",
        "crf-tagger": f"{_HERE}.models.crf_tagger:CrfTagger",
        "tfidf-linear": f"{_HERE}.models.tfidf_linear:TfidfLinear",
        "linear-text": f"{_HERE}.models.linear_text:LinearText",
        "encoder-linear": f"{_HERE}.models.encoder_linear:EncoderLinear",
        "bert": f"{_HERE}.models.bert:Bert",
        "roberta": f"{_HERE}.models.roberta:Roberta",
        "gpt": f"{_HERE}.models.gpt:Gpt",
        "ngram-text": f"{_HERE}.models.ngram_text:NgramText",
        "text-transformer": f"{_HERE}.models.text_transformer:TextTransformer",
    },
    checks={
        **{name: f"{_HERE}.checks:{name.replace('-', '_')}" for name in CHECKS},
        **{name: f"{_HERE}.check_words:{name.replace('-', '_')}" for name in WORDS},
        **{name: f"{_HERE}.check_forms:{name.replace('-', '_')}" for name in FORMS},
    },
    examples={
        "reports": f"{_HERE}.examples:write_reports_example",
        "narratives": f"{_HERE}.examples:write_narratives_example",
        "identified-notes": f"{_HERE}.examples:write_identified_example",
        "event-narratives": f"{_HERE}.examples:write_events_example",
        "question-pairs": f"{_HERE}.examples:write_pairs_example",
        "device-events": f"{_HERE}.examples:write_device_events_example",
        "short-narratives": f"{_HERE}.examples:write_short_example",
        "tagged-notes": f"{_HERE}.examples:write_tagged_example",
    },
)
