-- The id of an audit row: a UUIDv7 (RFC 9562, section 5.7) of now, as partitions are cut by it.
CREATE FUNCTION audit_id() RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT encode(
        set_bit(set_bit(
            overlay(uuid_send(gen_random_uuid())
                PLACING substring(
                    int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3
                ) FROM 1 FOR 6),
            52, 1), 53, 1),
        'hex')::uuid
$$;

-- What of a row may be shown: NULLs are left out, what is hidden says only what kind it is.
CREATE FUNCTION audit_shown(p_row jsonb, p_hidden jsonb, p_left_out text[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_object_agg(key, coalesce(p_hidden -> key, value))
    FROM jsonb_each(p_row)
    WHERE value <> 'null' AND key <> ALL (p_left_out)
$$;

-- Writes a row of audit_change for each row of a statement. Its arguments: the column that says
-- whose the row is, the columns that name it, what hides a column ({"email": "[personal]"}), and
-- the columns whose change alone says nothing. Who acts is in the setting strongroom.acting.
CREATE FUNCTION audit_changes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    acting CONSTANT jsonb := coalesce(
        nullif(current_setting('strongroom.acting', true), ''), '{}')::jsonb;
    house CONSTANT uuid := '00000000-0000-7000-8000-000000000001';
    whose CONSTANT text := TG_ARGV[0];
    names CONSTANT text[] := TG_ARGV[1]::text[];
    hidden CONSTANT jsonb := TG_ARGV[2]::jsonb;
    noise CONSTANT text[] := TG_ARGV[3]::text[];
    changed jsonb[];
BEGIN
    -- Each a pair: what the row was, what it is.
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(jsonb_build_array(NULL, to_jsonb(n))) INTO changed FROM new_rows n;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(jsonb_build_array(to_jsonb(o), NULL)) INTO changed FROM old_rows o;
    ELSE
        SELECT array_agg(jsonb_build_array(o.facts, n.facts)) INTO changed
        FROM (SELECT to_jsonb(r) AS facts FROM old_rows r) o
        FULL JOIN (SELECT to_jsonb(r) AS facts FROM new_rows r) n
            ON (SELECT array_agg(o.facts -> c) FROM unnest(names) c)
             = (SELECT array_agg(n.facts -> c) FROM unnest(names) c)
        WHERE (o.facts - noise) IS DISTINCT FROM (n.facts - noise);
    END IF;
    IF changed IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO audit_change (id, user_id, actor_id, actor_kind, impersonator_id, session_id,
        request_id, client_address, reason, table_name, row_id, operation, before, after,
        database_role)
    SELECT audit_id(),
           coalesce((c.facts ->> nullif(whose, ''))::uuid, house),
           coalesce((acting ->> 'actor_id')::uuid, house),
           coalesce(acting ->> 'actor_kind', 'database'),
           (acting ->> 'impersonator_id')::uuid,
           (acting ->> 'session_id')::uuid,
           coalesce(acting ->> 'request_id', ''),
           (acting ->> 'client_address')::inet,
           coalesce(acting ->> 'reason', ''),
           TG_TABLE_NAME,
           left((SELECT string_agg(c.facts ->> name, ' ' ORDER BY place)
                 FROM unnest(names) WITH ORDINALITY AS n (name, place)), 100),
           lower(TG_OP),
           CASE WHEN c.was <> 'null' THEN audit_shown(c.was, hidden, c.same) END,
           CASE WHEN c.is_now <> 'null' THEN audit_shown(c.is_now, hidden, c.same) END,
           session_user
    FROM (
        SELECT pair -> 0 AS was, pair -> 1 AS is_now,
               CASE WHEN pair -> 1 <> 'null' THEN pair -> 1 ELSE pair -> 0 END AS facts,
               -- Of an update only what differs is shown.
               CASE WHEN pair -> 0 <> 'null' AND pair -> 1 <> 'null' THEN ARRAY(
                   SELECT key FROM jsonb_each(pair -> 0) WHERE value = pair -> 1 -> key
               ) ELSE '{}' END AS same
        FROM unnest(changed) AS pair
    ) AS c;
    RETURN NULL;
END $$;
