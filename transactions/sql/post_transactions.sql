-- Post one transaction or a batch, all or nothing, in one round trip.
--
-- Postings are parallel arrays; p_index says which transaction each belongs to (from 1). One
-- statement locks the balances in the order of their ids, computes every running balance with
-- window functions and writes transactions, entries, references, outbox and audit rows and the
-- balances. The idempotency row comes first: whoever inserts it does the work, everybody else
-- waits for it and gets it back (transaction_index = 0).
--
-- A batch means the same as its transactions posted one after the other: each must keep every
-- balance within its limits by itself. The CHECK constraints of balance stand behind that.
--
-- Faults: SR010 account not found, SR011 other asset, SR012 frozen, SR013 closed, SR014 not the
-- expected sequence, SR015 below the floor, SR016 above the ceiling; DETAIL is "transaction index,
-- posting index, side". Overflow (22003) and a taken reference (23505) come as they are.
--
-- This file is the function's current definition; a migration that changes it installs it anew.
CREATE OR REPLACE FUNCTION post_transactions(
    p_ledger uuid, p_kind text,
    p_transactions uuid[], p_references text[], p_descriptions text[],
    p_effective_at timestamptz[], p_metadata text[],
    p_index int[], p_sources uuid[], p_destinations uuid[], p_amounts bigint[], p_assets text[],
    p_expected_accounts uuid[], p_expected_seqs bigint[],
    p_owner uuid, p_actor uuid, p_actor_kind text, p_session uuid, p_request text,
    p_address inet, p_audit uuid,
    p_key_user uuid, p_key_hash uuid, p_fingerprint bytea,
    p_reverses uuid[], p_hold uuid DEFAULT NULL
) RETURNS TABLE (
    transaction_index int, leg smallint, account_id uuid, amount bigint, account_seq bigint,
    balance_after bigint, recorded_at timestamptz,
    kept_status smallint, kept_fingerprint bytea, kept_object_id uuid, kept_body bytea
) LANGUAGE plpgsql
-- A sequential scan of all balances looks cheap to the planner for a batch; it is not.
SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan
AS $function$
#variable_conflict use_column
BEGIN
    IF p_key_hash IS NOT NULL THEN
        INSERT INTO idempotency_key (user_id, key_hash, fingerprint, status, object_id)
        VALUES (p_key_user, p_key_hash, p_fingerprint, 201, p_transactions[1])
        ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN
            RETURN QUERY
                SELECT 0, NULL::smallint, NULL::uuid, NULL::bigint, NULL::bigint, NULL::bigint,
                       NULL::timestamptz, k.status, k.fingerprint, k.object_id, k.body
                FROM idempotency_key k
                WHERE k.user_id = p_key_user AND k.key_hash = p_key_hash;
            RETURN;
        END IF;
    END IF;

    RETURN QUERY
    WITH posting AS MATERIALIZED (
        -- Subscripts, not a join: the planner would pair every entry with every transaction.
        SELECT q.*, p_transactions[q.tx] AS id, p_effective_at[q.tx] AS effective_at
        FROM unnest(p_index, p_sources, p_destinations, p_amounts, p_assets)
            WITH ORDINALITY AS q (tx, source, destination, amount, asset, place)
    ),
    leg AS MATERIALIZED (
        SELECT q.tx, q.id, q.effective_at, q.asset, s.is_source, s.account, s.change, q.place * 2 + s.turn AS place,
               (row_number() OVER (PARTITION BY q.tx ORDER BY q.place, s.turn) - 1)::smallint AS leg
        FROM posting q, LATERAL (
            VALUES (0, true, q.source, -q.amount), (1, false, q.destination, q.amount)
        ) AS s (turn, is_source, account, change)
    ),
    locked AS MATERIALIZED (
        SELECT b.account_id, b.user_id, b.ledger_id, b.asset_code, b.posted, b.entry_seq,
               b.may_debit, b.may_credit, b.floor, b.ceiling, b.held_out, b.held_in
        FROM balance b
        WHERE b.account_id = ANY (ARRAY(SELECT DISTINCT l.account FROM leg l ORDER BY 1))
        ORDER BY b.account_id
        FOR UPDATE
    ),
    -- Taken only once every lock is held, so that it never goes back along account_seq.
    stamp AS MATERIALIZED (
        SELECT clock_timestamp() AS at FROM (SELECT count(*) FROM locked) AS after_locking
    ),
    run AS MATERIALIZED (
        SELECT l.tx, l.id, l.effective_at, l.leg, k.user_id, l.account, l.asset, l.change,
               k.entry_seq + row_number() OVER running AS account_seq,
               (k.posted + sum(l.change) OVER running)::bigint AS balance_after,
               lead(l.tx) OVER running IS DISTINCT FROM l.tx AS is_last,
               k.floor + k.held_out AS lowest, k.ceiling - k.held_in AS highest
        FROM leg l
        JOIN locked k ON k.account_id = l.account
            AND k.ledger_id = p_ledger
            AND k.asset_code = l.asset
            AND CASE WHEN l.is_source
                THEN k.may_debit AND (p_owner IS NULL OR k.user_id = p_owner)
                ELSE k.may_credit END
        WINDOW running AS (PARTITION BY l.account ORDER BY l.place ROWS UNBOUNDED PRECEDING)
    ),
    verdict AS MATERIALIZED (
        SELECT (SELECT count(*) FROM run) = 2 * cardinality(p_index)
           AND NOT EXISTS (
               SELECT FROM run r
               WHERE r.is_last AND (r.balance_after < r.lowest OR r.balance_after > r.highest))
           AND (SELECT count(*) FROM unnest(p_expected_accounts, p_expected_seqs) AS e (account, seq)
                JOIN locked k ON k.account_id = e.account AND k.entry_seq = e.seq)
               = cardinality(p_expected_accounts) AS good
    ),
    made AS MATERIALIZED (
        SELECT t.id, t.reference, t.description, t.effective_at, t.metadata, t.reverses, t.place,
               r.user_id, s.at
        FROM unnest(p_transactions, p_references, p_descriptions, p_effective_at, p_metadata,
                p_reverses)
            WITH ORDINALITY
            AS t (id, reference, description, effective_at, metadata, reverses, place)
        JOIN run r ON r.tx = t.place AND r.leg = 0
        CROSS JOIN stamp s
        WHERE (SELECT good FROM verdict)
    ),
    new_transactions AS (
        INSERT INTO "transaction" (id, user_id, ledger_id, kind, reference, description,
            effective_at, recorded_at, metadata, actor_id, actor_kind, session_id, request_id,
            reverses_id, hold_id)
        SELECT m.id, m.user_id, p_ledger, p_kind, m.reference, m.description,
               coalesce(m.effective_at, m.at), m.at, m.metadata::jsonb, p_actor, p_actor_kind,
               p_session, p_request, m.reverses, p_hold
        FROM made m
    ),
    new_references AS (
        INSERT INTO transaction_reference (ledger_id, reference, transaction_id)
        SELECT p_ledger, m.reference, m.id FROM made m WHERE m.reference IS NOT NULL
    ),
    new_entries AS (
        INSERT INTO entry (transaction_id, leg, user_id, account_id, asset_code, amount,
            account_seq, balance_after, recorded_at, effective_at)
        SELECT r.id, r.leg, r.user_id, r.account, r.asset, r.change, r.account_seq,
               r.balance_after, s.at, r.effective_at
        FROM run r CROSS JOIN stamp s
        WHERE (SELECT good FROM verdict)
        -- In the order of the primary key, whose pages fill up then instead of splitting.
        ORDER BY r.tx, r.leg
    ),
    new_events AS (
        INSERT INTO outbox_event (id, user_id, topic, object_id)
        SELECT m.id, m.user_id, 'transaction.posted', m.id FROM made m
    ),
    new_audit AS (
        INSERT INTO audit_event (id, user_id, actor_id, actor_kind, session_id, action,
            target_type, target_id, outcome, request_id, client_address, data)
        SELECT p_audit, m.user_id, p_actor, p_actor_kind, p_session, 'transaction.post',
               'transaction', m.id::text, 'done', p_request, p_address,
               jsonb_build_object('transactions', cardinality(p_transactions))
        FROM made m WHERE m.place = 1
    ),
    new_balances AS (
        UPDATE balance b SET posted = b.posted + x.change, entry_seq = b.entry_seq + x.entries
        FROM (
            SELECT r.account, sum(r.change)::bigint AS change, count(*) AS entries
            FROM run r GROUP BY r.account
        ) AS x
        WHERE b.account_id = x.account AND (SELECT good FROM verdict)
    )
    SELECT r.tx, r.leg, r.account, r.change, r.account_seq, r.balance_after, s.at,
           NULL::smallint, NULL::bytea, NULL::uuid, NULL::bytea
    FROM run r CROSS JOIN stamp s
    WHERE (SELECT good FROM verdict)
    ORDER BY r.tx, r.leg;

    IF NOT FOUND THEN
        PERFORM explain_refused_posting(p_ledger, p_index, p_sources, p_destinations,
            p_amounts, p_assets, p_expected_accounts, p_expected_seqs, p_owner);
    END IF;
END
$function$;

-- Raise what is wrong with the first faulty leg; runs only when something is.
CREATE OR REPLACE FUNCTION explain_refused_posting(
    p_ledger uuid, p_index int[], p_sources uuid[], p_destinations uuid[], p_amounts bigint[],
    p_assets text[], p_expected_accounts uuid[], p_expected_seqs bigint[], p_owner uuid
) RETURNS void LANGUAGE plpgsql AS $function$
DECLARE
    fault record;
BEGIN
    SELECT q.tx, q.place, s.side,
        CASE
            WHEN b.account_id IS NULL OR b.ledger_id <> p_ledger
                OR (s.side = 'source' AND p_owner IS NOT NULL AND b.user_id <> p_owner)
                THEN 'SR010'
            WHEN b.asset_code <> q.asset THEN 'SR011'
            WHEN a.status = 'closed' THEN 'SR013'
            ELSE 'SR012'
        END AS code
    INTO fault
    FROM unnest(p_index, p_sources, p_destinations, p_assets)
        WITH ORDINALITY AS q (tx, source, destination, asset, place)
    CROSS JOIN LATERAL (
        VALUES ('source', q.source), ('destination', q.destination)
    ) AS s (side, account)
    LEFT JOIN balance b ON b.account_id = s.account
    LEFT JOIN ledger_account a ON a.id = b.account_id AND a.user_id = b.user_id
    WHERE b.account_id IS NULL OR b.ledger_id <> p_ledger OR b.asset_code <> q.asset
        OR (s.side = 'source'
            AND (NOT b.may_debit OR (p_owner IS NOT NULL AND b.user_id <> p_owner)))
        OR (s.side = 'destination' AND NOT b.may_credit)
    ORDER BY q.place, s.side DESC
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'posting refused'
            USING ERRCODE = fault.code,
                  DETAIL = format('%s,%s,%s', fault.tx,
                      fault.place - (SELECT count(*) FROM unnest(p_index) i WHERE i < fault.tx),
                      fault.side);
    END IF;
    IF EXISTS (
        SELECT FROM unnest(p_expected_accounts, p_expected_seqs) AS e (account, seq)
        LEFT JOIN balance b ON b.account_id = e.account
        WHERE b.entry_seq IS DISTINCT FROM e.seq
    ) THEN
        RAISE EXCEPTION 'an account is not in the expected state' USING ERRCODE = 'SR014';
    END IF;
    SELECT r.tx, r.place, r.is_source,
        CASE WHEN r.balance_after < r.lowest THEN 'SR015' ELSE 'SR016' END AS code
    INTO fault
    FROM (
        SELECT q.tx, q.place, s.is_source, b.posted + sum(s.change) OVER running AS balance_after,
               lead(q.tx) OVER running IS DISTINCT FROM q.tx AS is_last,
               b.floor + b.held_out AS lowest, b.ceiling - b.held_in AS highest
        FROM unnest(p_index, p_sources, p_destinations, p_amounts)
            WITH ORDINALITY AS q (tx, source, destination, amount, place)
        CROSS JOIN LATERAL (
            VALUES (true, q.source, -q.amount), (false, q.destination, q.amount)
        ) AS s (is_source, account, change)
        JOIN balance b ON b.account_id = s.account
        WINDOW running AS (PARTITION BY s.account ORDER BY q.place ROWS UNBOUNDED PRECEDING)
    ) AS r
    WHERE r.is_last AND (r.balance_after < r.lowest OR r.balance_after > r.highest)
    ORDER BY r.tx, r.place, r.is_source DESC
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'a limit would be passed'
            USING ERRCODE = fault.code,
                  DETAIL = format('%s,%s,%s', fault.tx,
                      fault.place - (SELECT count(*) FROM unnest(p_index) i WHERE i < fault.tx),
                      CASE WHEN fault.is_source THEN 'source' ELSE 'destination' END);
    END IF;
    -- Whatever was wrong a moment ago is right now: let the caller try again.
    RAISE EXCEPTION 'the accounts changed meanwhile' USING ERRCODE = '40001';
END
$function$;
