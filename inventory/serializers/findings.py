"""What a rule says, as `Finding.as_json` gives it; for the OpenAPI document."""

from rest_framework import serializers

from inventory.models import Waiver
from inventory.rules import Blocks, Scope, Severity
from inventory.serializers.fields import cluster_field
from inventory.waivers import state_of
from voipadmin.serializers import StrictSerializer


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
    fix = serializers.CharField(
        allow_null=True, help_text="The change that ends it, which POST fixes carries out."
    )
    url = serializers.CharField(allow_null=True, help_text="Page of the rule.")


class FixSerializer(StrictSerializer):
    """Which finding to end, by its identity."""

    key = serializers.CharField()
    subject = serializers.CharField()
    role = serializers.CharField(allow_blank=True, default="")


class RevisionSerializer(StrictSerializer):
    """Which revision of its platform's facts a cluster goes by."""

    number = serializers.IntegerField(min_value=1)


class DecisionSerializer(serializers.Serializer):
    """Something that cannot be changed later; `waiver` is the override in force, or null."""

    role = serializers.CharField()
    requirement = serializers.CharField()
    what = serializers.CharField()
    sentence = serializers.CharField()
    sources = SourceSerializer(many=True)
    count = serializers.IntegerField()
    locked = serializers.BooleanField()
    why = serializers.CharField()
    waiver_key = serializers.CharField()
    waiver_subject = serializers.CharField()


class RuleSerializer(serializers.Serializer):
    """A rule."""

    key = serializers.CharField()
    requirement = serializers.CharField()
    requirements = serializers.ListField(child=serializers.CharField())
    title = serializers.CharField()
    words = serializers.CharField(help_text="The sentence, with its parameters in braces.")
    severity = serializers.ChoiceField([severity.value for severity in Severity])
    blocks = serializers.ChoiceField([b.value for b in Blocks if b], allow_blank=True)
    scope = serializers.ChoiceField([scope.value for scope in Scope])
    overridable = serializers.BooleanField()
    has_fix = serializers.BooleanField()
    sources = SourceSerializer(many=True)


class WaiverSerializer(StrictSerializer):
    """An accepted warning or an overridden lock."""

    id = serializers.IntegerField(read_only=True)
    cluster = cluster_field()
    key = serializers.CharField(source="rule", help_text="Key of the rule.")
    subject = serializers.CharField(help_text="Such as role:sip or node:pbx-01.")
    role = serializers.CharField(allow_blank=True, default="")
    reason = serializers.CharField()
    expires_at = serializers.DateTimeField()
    confirm = serializers.CharField(
        write_only=True, default="", help_text="The cluster's name, to override a lock."
    )
    weight = serializers.IntegerField(read_only=True, allow_null=True)
    created_by = serializers.CharField(source="created_by_name", read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    revoked_at = serializers.DateTimeField(read_only=True, allow_null=True)
    state = serializers.SerializerMethodField(help_text="in force, expired or ended.")

    def get_state(self, waiver: Waiver) -> str:
        """Say whether it holds."""
        return state_of(waiver)
