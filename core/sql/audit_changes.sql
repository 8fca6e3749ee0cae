-- The id of an audit row: a UUIDv7 (RFC 9562, section 5.7) of now, as partitions are cut by it. The
-- 12 bits after the version are the part of the millisecond (section 6.2, method 3), so changes of
-- one transaction sort as they were made.
CREATE OR REPLACE FUNCTION audit_id() RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT (
        overlay(
            lpad(to_hex(floor(extract(epoch FROM clock_timestamp()) * 4096000)::bigint), 15, '0')
            PLACING '7' FROM 13 FOR 0)
        || substr(gen_random_uuid()::text, 20))::uuid
$$;

-- Writes a row of audit_change for each row of a statement. Its arguments: the column that says
-- whose the row is, the columns that name it, what hides a column ({"email": "[personal]"}), and
-- the columns whose change alone says nothing. Who acts is in the setting strongroom.acting. Plans
-- are made once a connection: made again for each statement they cost more than they run.
CREATE OR REPLACE FUNCTION audit_changes() RETURNS trigger LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    house CONSTANT uuid := '00000000-0000-7000-8000-000000000001';
    names CONSTANT text[] := TG_ARGV[1];
    hidden CONSTANT jsonb := TG_ARGV[2];
    noise CONSTANT text[] := TG_ARGV[3];
    acting jsonb;
    -- What each row was, and what it is; NULL is left out of what is shown, as is, of an update,
    -- what stayed the same. What is hidden says only of what kind it is.
    was jsonb[];
    is_now jsonb[];
BEGIN
    IF TG_OP <> 'INSERT' THEN
        SELECT array_agg(to_jsonb(o)) INTO was FROM old_rows o;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        SELECT array_agg(to_jsonb(n)) INTO is_now FROM new_rows n;
    END IF;
    IF TG_OP = 'UPDATE' AND cardinality(was) = 1 THEN
        IF was[1] - noise = is_now[1] - noise THEN
            RETURN NULL;
        END IF;
    ELSIF TG_OP = 'UPDATE' THEN
        SELECT array_agg(o), array_agg(n) INTO was, is_now
        FROM unnest(was) o FULL JOIN unnest(is_now) n
            ON (SELECT array_agg(o -> c) FROM unnest(names) c)
             = (SELECT array_agg(n -> c) FROM unnest(names) c)
        WHERE (o - noise) IS DISTINCT FROM (n - noise);
    END IF;
    IF coalesce(was, is_now) IS NULL THEN
        RETURN NULL;
    END IF;
    acting := coalesce(nullif(current_setting('strongroom.acting', true), ''), '{}');
    INSERT INTO audit_change (id, user_id, actor_id, actor_kind, impersonator_id, session_id,
        request_id, client_address, reason, table_name, row_id, operation, before, after,
        database_role)
    SELECT audit_id(),
           coalesce((coalesce(c.is_now, c.was) ->> nullif(TG_ARGV[0], ''))::uuid, house),
           coalesce((acting ->> 'actor_id')::uuid, house),
           coalesce(acting ->> 'actor_kind', 'database'),
           (acting ->> 'impersonator_id')::uuid,
           (acting ->> 'session_id')::uuid,
           coalesce(acting ->> 'request_id', ''),
           (acting ->> 'client_address')::inet,
           coalesce(acting ->> 'reason', ''),
           TG_TABLE_NAME,
           left((SELECT string_agg(coalesce(c.is_now, c.was) ->> name, ' ' ORDER BY place)
                 FROM unnest(names) WITH ORDINALITY AS n (name, place)), 100),
           lower(TG_OP),
           (SELECT jsonb_object_agg(key, coalesce(hidden -> key, value)) FROM jsonb_each(c.was)
            WHERE value <> 'null' AND value IS DISTINCT FROM c.is_now -> key),
           (SELECT jsonb_object_agg(key, coalesce(hidden -> key, value)) FROM jsonb_each(c.is_now)
            WHERE value <> 'null' AND value IS DISTINCT FROM c.was -> key),
           session_user
    FROM unnest(was, is_now) AS c (was, is_now);
    RETURN NULL;
END $$;
