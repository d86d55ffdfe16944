"""What a rule says, as `Finding.as_json` gives it; for the OpenAPI document."""

from rest_framework import serializers

from inventory.rules import Blocks, Severity


class SourceSerializer(serializers.Serializer):
    """The sentence that a rule rests on."""

    document = serializers.CharField()
    text = serializers.CharField()


class FindingSerializer(serializers.Serializer):
    """A rule's finding about a subject such as `node:pg-node-01`."""

    rule = serializers.CharField(help_text="Requirement number, such as R37.")
    key = serializers.CharField()
    severity = serializers.ChoiceField([severity.value for severity in Severity])
    blocks = serializers.ChoiceField([b.value for b in Blocks if b], allow_blank=True)
    subject = serializers.CharField()
    role = serializers.CharField(allow_blank=True)
    message = serializers.CharField()
    params = serializers.DictField(child=serializers.CharField())
    source = SourceSerializer()  # type: ignore[assignment]
    also = SourceSerializer(many=True)
    waivable = serializers.BooleanField()
    waiver = serializers.DictField(allow_null=True)
