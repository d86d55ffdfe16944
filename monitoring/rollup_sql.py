"""The statements of the rollups, put together of constants.

Percentiles are nearest rank (percentile_disc) over the stored integers. A layout that grew has
older rows with fewer values: what they lack counts as missing.
"""

TAKE_HOUR = """
WITH first AS (
    SELECT hour FROM monitoring_dirtyhour ORDER BY hour LIMIT 1 FOR UPDATE SKIP LOCKED
), taken AS (
    SELECT d.hour, d.layout, d.subject_id FROM monitoring_dirtyhour d JOIN first USING (hour)
    ORDER BY d.layout, d.subject_id FOR UPDATE OF d SKIP LOCKED
)
DELETE FROM monitoring_dirtyhour d USING taken t
WHERE (d.hour, d.layout, d.subject_id) = (t.hour, t.layout, t.subject_id)
RETURNING d.hour, d.layout, d.subject_id
"""

MARK_HOURS = """
INSERT INTO monitoring_dirtyhour (hour, layout, subject_id, marked_at)
SELECT hour, 0, 0, now() FROM unnest(%s::timestamptz[]) AS m (hour) ORDER BY 1
ON CONFLICT (hour, layout, subject_id) DO UPDATE SET marked_at = now()
"""

MARK_DAYS = """
INSERT INTO monitoring_dirtyday (cluster_id, day, marked_at)
SELECT cluster_id, day, now() FROM unnest(%s::int8[], %s::date[]) AS m (cluster_id, day)
ORDER BY 1, 2
ON CONFLICT (cluster_id, day) DO UPDATE SET marked_at = now()
"""

TAKE_DAY = """
DELETE FROM monitoring_dirtyday WHERE (cluster_id, day) = (
    SELECT cluster_id, day FROM monitoring_dirtyday WHERE cluster_id = %s AND day = %s
    FOR UPDATE SKIP LOCKED
)
RETURNING day
"""

CLUSTERS_OF = """
SELECT cluster_id FROM inventory_container
WHERE id = ANY(%(containers)s) AND cluster_id IS NOT NULL
UNION
SELECT n.cluster_id FROM inventory_placement p JOIN inventory_node n ON n.id = p.node_id
WHERE p.container_id = ANY(%(containers)s)
UNION
SELECT cluster_id FROM inventory_node WHERE id = ANY(%(nodes)s)
"""

# Pools the values of a relation `v` (place i, value v) by the given columns.
_POOL = """
SELECT {columns}, i, count(v) AS n, sum(v) AS total, max(v) AS top,
    percentile_disc(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY v) AS p
FROM v GROUP BY {columns}, i
"""
_ARRAYS = """
array_agg(n ORDER BY i), array_agg(total ORDER BY i), array_agg(p[1] ORDER BY i),
array_agg(p[2] ORDER BY i), array_agg(top ORDER BY i)
"""
_COLUMNS = "counts, totals, p50, p95, maximum"
_REPLACE = ", ".join(f"{column} = excluded.{column}" for column in _COLUMNS.split(", "))

_SUBJECT = """
WITH v AS (
    SELECT s.layout, s.subject_id, u.i, u.v
    FROM monitoring_sample s CROSS JOIN LATERAL unnest(s.values) WITH ORDINALITY AS u (v, i)
    WHERE s.at >= %(start)s AND s.at < %(end)s AND {condition}
), pooled AS ({pool})
INSERT INTO {table} (subject_id, layout, {period}, {columns})
SELECT subject_id, layout, {value}, {arrays} FROM pooled GROUP BY subject_id, layout
ON CONFLICT (subject_id, layout, {period}) DO UPDATE SET {replace}
"""

SUBJECT_HOURS = _SUBJECT.format(
    table="monitoring_subjecthour",
    period="hour",
    value="%(start)s::timestamptz",
    condition="""(%(everything)s OR (s.layout, s.subject_id) IN (
        SELECT * FROM unnest(%(layouts)s::int2[], %(subjects)s::int4[])))""",
    pool=_POOL.format(columns="layout, subject_id"),
    columns=_COLUMNS,
    arrays=_ARRAYS,
    replace=_REPLACE,
)

SUBJECT_DAYS = _SUBJECT.format(
    table="monitoring_subjectday",
    period="day",
    value="%(day)s::date",
    condition="""(
        (s.layout = 1 AND s.subject_id IN (
            SELECT id FROM inventory_container WHERE cluster_id = %(cluster)s))
        OR (s.layout > 1 AND s.subject_id IN (
            SELECT id FROM inventory_node WHERE cluster_id = %(cluster)s)))""",
    pool=_POOL.format(columns="layout, subject_id"),
    columns=_COLUMNS,
    arrays=_ARRAYS,
    replace=_REPLACE,
)

# Who was in which role, on which machine, when: a sample belongs to the role of its own time.
_MEMBERS = """
member AS (
    SELECT n.cluster_id, a.role_id, r.key AS role_key, n.id AS node_id, p.container_id,
        greatest(a.valid_from, p.valid_from, %(start)s) AS since,
        least(coalesce(a.valid_to, 'infinity'), coalesce(p.valid_to, 'infinity'), %(end)s) AS until
    FROM inventory_roleassignment a
    JOIN inventory_role r ON r.id = a.role_id
    JOIN inventory_node n ON n.id = a.node_id
    JOIN inventory_placement p ON p.node_id = n.id
    WHERE n.cluster_id = ANY(%(clusters)s)
), of_role AS (
    SELECT m.cluster_id, m.role_id, m.node_id, m.since, m.until, s.layout, s.at, s.values
    FROM member m
    JOIN monitoring_sample s ON s.subject_id = m.container_id AND s.layout = 1
        AND s.at >= m.since AND s.at < m.until
    WHERE s.at >= %(start)s AND s.at < %(end)s
    UNION ALL
    SELECT m.cluster_id, m.role_id, m.node_id, m.since, m.until, s.layout, s.at, s.values
    FROM member m
    JOIN unnest(%(role_layouts)s::int2[], %(role_keys)s::text[]) AS l (layout, role_key)
        ON l.role_key = m.role_key
    JOIN monitoring_sample s ON s.subject_id = m.node_id AND s.layout = l.layout
        AND s.at >= m.since AND s.at < m.until
    WHERE s.at >= %(start)s AND s.at < %(end)s
), v AS MATERIALIZED (
    SELECT o.cluster_id, o.role_id, o.layout, o.node_id, o.since, o.until, o.at, u.i, u.v
    FROM of_role o CROSS JOIN LATERAL unnest(o.values) WITH ORDINALITY AS u (v, i)
), pooled AS ({pool}), seen AS (
    SELECT cluster_id, role_id, layout, count(DISTINCT node_id) AS nodes
    FROM of_role GROUP BY 1, 2, 3
)
""".format(pool=_POOL.format(columns="cluster_id, role_id, layout"))  # noqa: S608

ROLE_HOURS = f"""
WITH {_MEMBERS}
INSERT INTO monitoring_rolehour (cluster_id, role_id, layout, hour, {_COLUMNS}, seen_nodes)
SELECT cluster_id, role_id, layout, %(start)s::timestamptz, {_ARRAYS}, min(seen.nodes)
FROM pooled JOIN seen USING (cluster_id, role_id, layout) GROUP BY cluster_id, role_id, layout
ON CONFLICT (cluster_id, role_id, layout, hour)
DO UPDATE SET {_REPLACE}, seen_nodes = excluded.seen_nodes
"""  # noqa: S608

# A five-minute slot has the mean of each node's samples; the sum over the nodes counts only where
# every node that was a member for the whole slot has a value.
ROLE_DAYS = f"""
WITH {_MEMBERS}, slot AS (
    SELECT start, start + interval '5 minutes' AS stop
    FROM generate_series(%(start)s::timestamptz, %(end)s::timestamptz - interval '5 minutes',
        interval '5 minutes') AS g (start)
), expected AS (
    SELECT m.cluster_id, m.role_id, slot.start, count(DISTINCT m.node_id) AS nodes
    FROM slot JOIN member m ON m.since <= slot.start AND m.until >= slot.stop
    GROUP BY 1, 2, 3
), per_node AS (
    SELECT v.cluster_id, v.role_id, v.layout, v.i, v.node_id, avg(v.v) AS mean,
        date_bin('5 minutes', v.at, %(start)s) AS start
    FROM v
    WHERE v.v IS NOT NULL AND v.since <= date_bin('5 minutes', v.at, %(start)s)
        AND v.until >= date_bin('5 minutes', v.at, %(start)s) + interval '5 minutes'
    GROUP BY v.cluster_id, v.role_id, v.layout, v.i, v.node_id, start
), summed AS (
    SELECT cluster_id, role_id, layout, i, start, round(sum(mean))::bigint AS total,
        count(*) AS nodes
    FROM per_node GROUP BY 1, 2, 3, 4, 5
), daily AS (
    SELECT s.cluster_id, s.role_id, s.layout, s.i, count(*) AS slots, max(s.total) AS highest,
        percentile_disc(0.95) WITHIN GROUP (ORDER BY s.total) AS p95
    FROM summed s JOIN expected e USING (cluster_id, role_id, start)
    WHERE s.nodes = e.nodes GROUP BY 1, 2, 3, 4
), asked AS (
    SELECT cluster_id, role_id, count(*) AS slots, max(nodes) AS nodes
    FROM expected GROUP BY 1, 2
)
INSERT INTO monitoring_roleday (cluster_id, role_id, layout, day, {_COLUMNS}, sum_p95, sum_maximum,
    complete_slots, expected_slots, expected_nodes, seen_nodes)
SELECT cluster_id, role_id, layout, %(day)s, {_ARRAYS},
    array_agg(daily.p95 ORDER BY i), array_agg(daily.highest ORDER BY i),
    array_agg(coalesce(daily.slots, 0) ORDER BY i),
    coalesce(min(asked.slots), 0), coalesce(min(asked.nodes), 0), min(seen.nodes)
FROM pooled JOIN seen USING (cluster_id, role_id, layout)
LEFT JOIN daily USING (cluster_id, role_id, layout, i)
LEFT JOIN asked USING (cluster_id, role_id)
GROUP BY cluster_id, role_id, layout
ON CONFLICT (cluster_id, role_id, layout, day)
DO UPDATE SET {_REPLACE}, sum_p95 = excluded.sum_p95, sum_maximum = excluded.sum_maximum,
    complete_slots = excluded.complete_slots, expected_slots = excluded.expected_slots,
    expected_nodes = excluded.expected_nodes, seen_nodes = excluded.seen_nodes
"""  # noqa: S608
