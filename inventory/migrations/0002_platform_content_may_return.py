"""A file that goes back to what it said before makes a new revision, with the old content."""

from django.db import migrations


class Migration(migrations.Migration):
    """Let two revisions of a platform say the same."""

    dependencies = [("inventory", "0001_initial")]

    operations = [
        migrations.RemoveConstraint(
            model_name="platformrevision", name="platformrevision_content_is_unique"
        ),
    ]
