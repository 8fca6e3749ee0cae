-- Holds: money set aside. A pending hold counts in held_out of its source and held_in of its
-- destination, so that the CHECK constraints of balance keep both limits for it.
--
-- Lock order: the hold, then the balances in the order of their ids.
-- Faults: those of post_transactions; SR021 no longer pending (DETAIL: its status), SR022 expired,
-- SR023 more than is left (DETAIL: what is left).
--
-- This file is the functions' current definition; a migration that changes it installs it anew.

CREATE OR REPLACE FUNCTION place_hold(
    p_id uuid, p_ledger uuid, p_source uuid, p_destination uuid, p_amount bigint, p_asset text,
    p_expires_in interval, p_description text, p_metadata text,
    p_owner uuid, p_actor uuid, p_actor_kind text, p_session uuid, p_request text, p_address inet,
    p_audit uuid
) RETURNS SETOF hold LANGUAGE plpgsql AS $function$
BEGIN
    RETURN QUERY
    WITH locked AS MATERIALIZED (
        SELECT * FROM balance b WHERE b.account_id IN (p_source, p_destination)
        ORDER BY b.account_id FOR UPDATE
    ),
    good AS MATERIALIZED (
        SELECT s.user_id, d.user_id AS destination_user_id, clock_timestamp() AS at
        FROM locked s, locked d
        WHERE s.account_id = p_source AND s.ledger_id = p_ledger AND s.asset_code = p_asset
          AND s.may_debit AND (p_owner IS NULL OR s.user_id = p_owner)
          AND d.account_id = p_destination AND d.ledger_id = p_ledger AND d.asset_code = p_asset
          AND d.may_credit
          AND (s.floor IS NULL OR s.posted - s.held_out - p_amount >= s.floor)
          AND (d.ceiling IS NULL OR d.posted + d.held_in + p_amount <= d.ceiling)
    ),
    reserved AS (
        UPDATE balance b
        SET held_out = b.held_out + CASE WHEN b.account_id = p_source THEN p_amount ELSE 0 END,
            held_in = b.held_in + CASE WHEN b.account_id = p_source THEN 0 ELSE p_amount END
        FROM good
        WHERE b.account_id IN (p_source, p_destination)
    ),
    told AS (
        INSERT INTO outbox_event (id, user_id, topic, object_id)
        SELECT p_id, good.user_id, 'hold.placed', p_id FROM good
    ),
    audited AS (
        INSERT INTO audit_event (id, user_id, actor_id, actor_kind, session_id, action,
            target_type, target_id, outcome, request_id, client_address, data)
        SELECT p_audit, good.user_id, p_actor, p_actor_kind, p_session, 'hold.place', 'hold',
               p_id::text, 'done', p_request, p_address, '{}'
        FROM good
    )
    INSERT INTO hold AS placed (id, user_id, ledger_id, source_id, destination_id,
        destination_user_id, asset_code, amount, captured, status, expires_at, description,
        metadata, actor_id, actor_kind, session_id, request_id, created_at)
    SELECT p_id, good.user_id, p_ledger, p_source, p_destination, good.destination_user_id,
           p_asset, p_amount, 0, 'pending', good.at + p_expires_in, p_description,
           p_metadata::jsonb, p_actor, p_actor_kind, p_session, p_request, good.at
    FROM good
    RETURNING placed.*;

    IF NOT FOUND THEN
        PERFORM explain_refused_posting(p_ledger, ARRAY[1], ARRAY[p_source], ARRAY[p_destination],
            ARRAY[p_amount], ARRAY[p_asset], '{}', '{}', p_owner);
    END IF;
END
$function$;

-- Post p_amount of the hold (null: all that is left) and free what will not be captured any more.
CREATE OR REPLACE FUNCTION capture_hold(
    p_hold uuid, p_user uuid, p_amount bigint, p_final boolean,
    p_transaction uuid, p_reference text, p_description text, p_metadata text,
    p_actor uuid, p_actor_kind text, p_session uuid, p_request text, p_address inet,
    p_audit uuid, p_event uuid
) RETURNS TABLE (
    account_id uuid, amount bigint, account_seq bigint, balance_after bigint,
    recorded_at timestamptz
) LANGUAGE plpgsql AS $function$
#variable_conflict use_column
DECLARE
    held hold;
    part bigint;
    freed bigint;
BEGIN
    SELECT h.* INTO STRICT held FROM hold h WHERE h.id = p_hold AND h.user_id = p_user FOR UPDATE;
    part := coalesce(p_amount, held.amount - held.captured);
    freed := CASE WHEN p_final THEN held.amount - held.captured ELSE part END;
    IF held.status <> 'pending' THEN
        RAISE EXCEPTION 'the hold is closed' USING ERRCODE = 'SR021', DETAIL = held.status;
    ELSIF clock_timestamp() >= held.expires_at THEN
        RAISE EXCEPTION 'the hold has expired' USING ERRCODE = 'SR022';
    ELSIF part > held.amount - held.captured THEN
        RAISE EXCEPTION 'more than is left' USING ERRCODE = 'SR023',
            DETAIL = held.amount - held.captured;
    END IF;

    -- Freed first, so that the posting below meets the limits without the hold.
    WITH locked AS MATERIALIZED (
        SELECT b.account_id FROM balance b
        WHERE b.account_id IN (held.source_id, held.destination_id)
        ORDER BY b.account_id FOR UPDATE
    )
    UPDATE balance b
    SET held_out = b.held_out - CASE WHEN b.account_id = held.source_id THEN freed ELSE 0 END,
        held_in = b.held_in - CASE WHEN b.account_id = held.source_id THEN 0 ELSE freed END
    FROM locked WHERE b.account_id = locked.account_id;

    RETURN QUERY
    SELECT e.account_id, e.amount, e.account_seq, e.balance_after, e.recorded_at
    FROM post_transactions(held.ledger_id, 'capture', ARRAY[p_transaction], ARRAY[p_reference],
        ARRAY[coalesce(p_description, held.description)], NULL, ARRAY[p_metadata], ARRAY[1],
        ARRAY[held.source_id], ARRAY[held.destination_id], ARRAY[part],
        ARRAY[held.asset_code::text], '{}', '{}', NULL, p_actor, p_actor_kind, p_session,
        p_request, p_address, p_audit, NULL, NULL, NULL, NULL, p_hold) AS e;

    UPDATE hold h
    SET captured = h.captured + part,
        status = CASE WHEN p_final OR h.captured + part = h.amount THEN 'captured'
                 ELSE 'pending' END,
        closed_at = CASE WHEN p_final OR h.captured + part = h.amount
                    THEN clock_timestamp() END
    WHERE h.id = p_hold AND h.user_id = p_user;
    INSERT INTO outbox_event (id, user_id, topic, object_id, payload)
    VALUES (p_event, p_user, 'hold.captured', p_hold,
            jsonb_build_object('transaction', p_transaction));
END
$function$;

-- Free what is left of holds whose rows the caller has locked; p_events are ids for the outbox.
CREATE OR REPLACE FUNCTION free_holds(p_holds uuid[], p_status text, p_events uuid[])
RETURNS void LANGUAGE sql AS $function$
    WITH given AS MATERIALIZED (
        SELECT h.*, g.event
        FROM unnest(p_holds, p_events) AS g (hold, event)
        JOIN hold h ON h.id = g.hold AND h.status = 'pending'
    ),
    share AS MATERIALIZED (
        SELECT s.account, sum(s.going_out)::bigint AS going_out, sum(s.coming_in)::bigint AS coming_in
        FROM given g, LATERAL (
            VALUES (g.source_id, g.amount - g.captured, 0), (g.destination_id, 0, g.amount - g.captured)
        ) AS s (account, going_out, coming_in)
        GROUP BY 1
    ),
    locked AS MATERIALIZED (
        SELECT b.account_id FROM balance b WHERE b.account_id IN (SELECT account FROM share)
        ORDER BY b.account_id FOR UPDATE
    ),
    freed AS (
        UPDATE balance b
        SET held_out = b.held_out - s.going_out, held_in = b.held_in - s.coming_in
        FROM share s JOIN locked l ON l.account_id = s.account
        WHERE b.account_id = l.account_id
    ),
    told AS (
        INSERT INTO outbox_event (id, user_id, topic, object_id)
        SELECT g.event, g.user_id, 'hold.' || p_status, g.id FROM given g
    )
    UPDATE hold h SET status = p_status, closed_at = clock_timestamp()
    FROM given g WHERE h.id = g.id AND h.user_id = g.user_id
$function$;
