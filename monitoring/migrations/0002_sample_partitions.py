"""Make the sample table: range-partitioned by day, which Django has no words for.

No default partition: adding a day would have to scan it. Partitions come from monitoring.partitions.
"""

from django.db import migrations


class Migration(migrations.Migration):
    """Make the partitioned table."""

    dependencies = [("monitoring", "0001_initial")]

    operations = [
        migrations.RunSQL(
            """
            CREATE TABLE monitoring_sample (
                at timestamptz NOT NULL,
                subject_id integer NOT NULL,
                layout smallint NOT NULL,
                values integer[] NOT NULL,
                PRIMARY KEY (subject_id, layout, at)
            ) PARTITION BY RANGE (at)
            """,
            "DROP TABLE monitoring_sample",
        ),
        migrations.RunSQL(
            """
            CREATE INDEX monitoring_subjecthour_hour ON monitoring_subjecthour USING brin (hour);
            CREATE INDEX monitoring_rolehour_hour ON monitoring_rolehour USING brin (hour);
            """,
            """
            DROP INDEX monitoring_subjecthour_hour;
            DROP INDEX monitoring_rolehour_hour;
            """,
        ),
    ]
