"""The house: every table of the first release, monthly parts for what grows, and a log nobody can change."""

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None

PARTED = ("posts", "sightings")

REFUSE_CHANGES = """
CREATE FUNCTION refuse_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the log is append-only: % is refused', TG_OP;
END $$;
CREATE TRIGGER log_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_changes();
"""


def upgrade() -> None:
    op.create_table('assessments',
    sa.Column('post_id', sa.Uuid(), nullable=False),
    sa.Column('model', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('incident', sa.Float(), nullable=False),
    sa.Column('incident_any', sa.Float(), nullable=False),
    sa.Column('type', sa.Text(), nullable=False),
    sa.Column('types', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('severity', sa.Float(), nullable=False),
    sa.Column('urgent', sa.Boolean(), nullable=False),
    sa.Column('labels', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('claim', sa.Float(), nullable=False),
    sa.Column('unverified', sa.Float(), nullable=False),
    sa.Column('places', postgresql.JSONB(astext_type=sa.Text()), server_default='[]', nullable=False),
    sa.Column('force', sa.Text(), nullable=False),
    sa.Column('signals', postgresql.JSONB(astext_type=sa.Text()), server_default='[]', nullable=False),
    sa.Column('abstain', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('post_id', 'model', name=op.f('assessments_pkey'))
    )
    op.create_table('cases',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('title', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('severity', sa.Integer(), nullable=False),
    sa.Column('severity_parts', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('incident', sa.Float(), nullable=False),
    sa.Column('type', sa.Text(), nullable=False),
    sa.Column('force', sa.Text(), nullable=False),
    sa.Column('borough', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('bcu', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('place', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('desks', postgresql.ARRAY(sa.Text()), server_default='{}', nullable=False),
    sa.Column('opened_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('first_published_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('last_post_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('post_count', sa.Integer(), nullable=False),
    sa.Column('source_count', sa.Integer(), nullable=False),
    sa.Column('sources', postgresql.ARRAY(sa.Text()), server_default='{}', nullable=False),
    sa.Column('touched_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.Column('claimed_by', sa.Uuid(), nullable=True),
    sa.Column('claimed_until', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.Column('dismissed_because', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('cases_pkey')),
    sa.UniqueConstraint('number', name=op.f('cases_number_key'))
    )
    op.create_index('cases_last_post_at_idx', 'cases', ['last_post_at'], unique=False)
    op.create_index('cases_queue_idx', 'cases', ['status', 'severity', 'opened_at'], unique=False)
    op.create_index('cases_touched_at_idx', 'cases', ['touched_at'], unique=False)
    op.create_table('cursors',
    sa.Column('source', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('position', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('etag', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('last_modified', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('body_sha256', sa.LargeBinary(), nullable=True),
    sa.Column('moved_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('source', name=op.f('cursors_pkey'))
    )
    op.create_table('failures',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('stage', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('subject', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('error', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('remedy', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('mended_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('failures_pkey'))
    )
    op.create_index(op.f('failures_at_idx'), 'failures', ['at'], unique=False)
    op.create_table('gaps',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('source', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('from_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('until_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('because', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('found_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('closed_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('gaps_pkey'))
    )
    op.create_index(op.f('gaps_source_idx'), 'gaps', ['source'], unique=False)
    op.create_table('heartbeats',
    sa.Column('part', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('host', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('pid', sa.Integer(), nullable=False),
    sa.Column('beat_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('state', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.PrimaryKeyConstraint('part', 'host', name=op.f('heartbeats_pkey'))
    )
    op.create_table('log_entries',
    sa.Column('seq', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('case_id', sa.Uuid(), nullable=True),
    sa.Column('who', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('what', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('why', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('detail', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.PrimaryKeyConstraint('seq', name=op.f('log_entries_pkey'))
    )
    op.create_index('log_entries_case_id_at_idx', 'log_entries', ['case_id', 'at'], unique=False)
    op.create_table('media',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('post_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('url', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('alt', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('duration_s', sa.Float(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('media_pkey'))
    )
    op.create_index(op.f('media_post_id_idx'), 'media', ['post_id'], unique=False)
    op.create_table('people',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('username', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('name', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('password_hash', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('desks', postgresql.ARRAY(sa.Text()), server_default='{}', nullable=False),
    sa.Column('admin', sa.Boolean(), nullable=False),
    sa.Column('slack_user', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('created_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('disabled_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('people_pkey')),
    sa.UniqueConstraint('slack_user', name=op.f('people_slack_user_key')),
    sa.UniqueConstraint('username', name=op.f('people_username_key'))
    )
    op.create_table('post_keys',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('collected_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('post_keys_pkey'))
    )
    op.create_table('posts',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('collected_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('source', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('platform', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('external_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('url', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('title', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('text', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('lang', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('published_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('published_raw', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('author_key', sa.LargeBinary(), nullable=True),
    sa.Column('reply_to', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('quote_of', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('content_warning', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('has_video', sa.Boolean(), nullable=False),
    sa.Column('payload', sa.LargeBinary(), nullable=True),
    sa.Column('payload_sha256', sa.LargeBinary(), nullable=False),
    sa.Column('let_in_by', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('withdrawn_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.Column('withdrawn_because', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.PrimaryKeyConstraint('id', 'collected_at', name=op.f('posts_pkey')),
    postgresql_partition_by='RANGE (collected_at)'
    )
    op.create_index('posts_external_id_idx', 'posts', ['external_id'], unique=False, postgresql_ops={'external_id': 'text_pattern_ops'})
    op.create_index('posts_source_published_at_idx', 'posts', ['source', 'published_at'], unique=False)
    op.create_table('reviews',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('meets_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('created_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('reviews_pkey')),
    sa.UniqueConstraint('meets_at', name=op.f('reviews_meets_at_key'))
    )
    op.create_table('routings',
    sa.Column('post_id', sa.Uuid(), nullable=False),
    sa.Column('at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('model', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('rule', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('outcome', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('because', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('case_id', sa.Uuid(), nullable=True),
    sa.Column('desks', postgresql.ARRAY(sa.Text()), server_default='{}', nullable=False),
    sa.Column('priority', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.PrimaryKeyConstraint('post_id', name=op.f('routings_pkey'))
    )
    op.create_index('routings_at_idx', 'routings', ['at'], unique=False)
    op.create_index('routings_case_id_idx', 'routings', ['case_id'], unique=False)
    op.create_table('sightings',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('seen_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('post_id', sa.Uuid(), nullable=False),
    sa.Column('source', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('reach', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.PrimaryKeyConstraint('id', 'seen_at', name=op.f('sightings_pkey')),
    postgresql_partition_by='RANGE (seen_at)'
    )
    op.create_index('sightings_post_id_idx', 'sightings', ['post_id'], unique=False)
    op.create_table('sign_in_attempts',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('subject', sa.LargeBinary(), nullable=False),
    sa.Column('at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('sign_in_attempts_pkey'))
    )
    op.create_index('sign_in_attempts_subject_at_idx', 'sign_in_attempts', ['subject', 'at'], unique=False)
    op.create_table('sources',
    sa.Column('name', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('kind', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('url', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('tag', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('every_s', sa.Integer(), nullable=False),
    sa.Column('boroughs', postgresql.ARRAY(sa.Text()), server_default='{}', nullable=False),
    sa.Column('grade', sa.Text(), nullable=False),
    sa.Column('basis', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('enabled', sa.Boolean(), nullable=False),
    sa.Column('due_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('rest_until', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.Column('lease_until', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.Column('lease_owner', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('last_tried_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.Column('last_success_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.Column('last_post_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('error', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('remedy', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.PrimaryKeyConstraint('name', name=op.f('sources_pkey'))
    )
    op.create_index(op.f('sources_due_at_idx'), 'sources', ['due_at'], unique=False)
    op.create_table('tallies',
    sa.Column('source', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('minute', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('seen', sa.Integer(), nullable=False),
    sa.Column('stored', sa.Integer(), nullable=False),
    sa.Column('known', sa.Integer(), nullable=False),
    sa.Column('dropped', sa.Integer(), nullable=False),
    sa.Column('malformed', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('source', 'minute', name=op.f('tallies_pkey'))
    )
    op.create_table('alerts',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('case_id', sa.Uuid(), nullable=False),
    sa.Column('desk', sa.Text(), nullable=False),
    sa.Column('manner', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('priority', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('rule', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('raised_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('acknowledged_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.Column('acknowledged_by', sa.Uuid(), nullable=True),
    sa.Column('acknowledged_through', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('alerts_case_id_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('alerts_pkey'))
    )
    op.create_index('alerts_case_id_desk_key', 'alerts', ['case_id', 'desk'], unique=True)
    op.create_index('alerts_state_idx', 'alerts', ['state', 'raised_at'], unique=False)
    op.create_table('clocks',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('case_id', sa.Uuid(), nullable=False),
    sa.Column('name', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('desk', sa.Text(), nullable=False),
    sa.Column('started_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('due_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('stopped_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.Column('stopped_by', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('clocks_case_id_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('clocks_pkey'))
    )
    op.create_index('clocks_case_id_name_key', 'clocks', ['case_id', 'name'], unique=True)
    op.create_index('clocks_due_at_idx', 'clocks', ['due_at'], unique=False, postgresql_where=sa.text('stopped_at IS NULL'))
    op.create_table('memberships',
    sa.Column('post_id', sa.Uuid(), nullable=False),
    sa.Column('case_id', sa.Uuid(), nullable=False),
    sa.Column('sure', sa.Boolean(), nullable=False),
    sa.Column('score', sa.Float(), nullable=False),
    sa.Column('how', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('joined_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('memberships_case_id_fkey')),
    sa.PrimaryKeyConstraint('post_id', 'case_id', name=op.f('memberships_pkey'))
    )
    op.create_index(op.f('memberships_case_id_idx'), 'memberships', ['case_id'], unique=False)
    op.create_index('memberships_telling_idx', 'memberships', ['case_id', 'joined_at'], unique=False, postgresql_where=sa.text("sure AND how NOT IN ('same text', 'copy')"))
    op.create_table('review_items',
    sa.Column('case_id', sa.Uuid(), nullable=False),
    sa.Column('review_id', sa.Uuid(), nullable=False),
    sa.Column('because', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('listed_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('review_items_case_id_fkey')),
    sa.ForeignKeyConstraint(['review_id'], ['reviews.id'], name=op.f('review_items_review_id_fkey')),
    sa.PrimaryKeyConstraint('case_id', 'review_id', name=op.f('review_items_pkey'))
    )
    op.create_index(op.f('review_items_review_id_idx'), 'review_items', ['review_id'], unique=False)
    op.create_table('sign_in_links',
    sa.Column('token_sha256', sa.LargeBinary(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('expires_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('used_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('sign_in_links_person_id_fkey')),
    sa.PrimaryKeyConstraint('token_sha256', name=op.f('sign_in_links_pkey'))
    )
    op.create_table('statements',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('case_id', sa.Uuid(), nullable=False),
    sa.Column('template', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('text', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('facts', postgresql.JSONB(astext_type=sa.Text()), server_default='[]', nullable=False),
    sa.Column('missing', postgresql.ARRAY(sa.Text()), server_default='{}', nullable=False),
    sa.Column('drafted_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('statements_case_id_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('statements_pkey'))
    )
    op.create_index('statements_case_id_template_version_key', 'statements', ['case_id', 'template', 'version'], unique=True)
    op.create_table('web_sessions',
    sa.Column('token_sha256', sa.LargeBinary(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('csrf', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('created_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('last_seen_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('expires_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('web_sessions_person_id_fkey')),
    sa.PrimaryKeyConstraint('token_sha256', name=op.f('web_sessions_pkey'))
    )
    op.create_index(op.f('web_sessions_person_id_idx'), 'web_sessions', ['person_id'], unique=False)
    op.create_table('deliveries',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('alert_id', sa.Uuid(), nullable=False),
    sa.Column('channel', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('manner', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('bundle', sa.Uuid(), nullable=True),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('due_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('edit_due_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.Column('tried_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.Column('lease_owner', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('lease_until', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.Column('fence', sa.Integer(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('possible_repeat', sa.Boolean(), nullable=False),
    sa.Column('receipt', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('delivered_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.Column('error', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.ForeignKeyConstraint(['alert_id'], ['alerts.id'], name=op.f('deliveries_alert_id_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('deliveries_pkey'))
    )
    op.create_index('deliveries_alert_id_channel_key', 'deliveries', ['alert_id', 'channel'], unique=True)
    op.create_index('deliveries_state_idx', 'deliveries', ['state', 'due_at'], unique=False)
    op.create_index('deliveries_edit_due_at_idx', 'deliveries', ['edit_due_at'], unique=False, postgresql_where=sa.text('edit_due_at IS NOT NULL'))
    op.create_index('deliveries_bundle_idx', 'deliveries', ['bundle'], unique=False, postgresql_where=sa.text('bundle IS NOT NULL'))
    op.create_table('channels',
    sa.Column('name', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('free_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('digest_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('fence', sa.Integer(), nullable=False),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('slack_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('proven_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.Column('error', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.PrimaryKeyConstraint('name', name=op.f('channels_pkey'))
    )
    op.create_table('presses',
    sa.Column('digest', sa.LargeBinary(), nullable=False),
    sa.Column('at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('digest', name=op.f('presses_pkey'))
    )
    op.create_index(op.f('presses_at_idx'), 'presses', ['at'], unique=False)

    for table in PARTED:
        op.execute(f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT")
    op.execute(REFUSE_CHANGES)


def downgrade() -> None:
    op.execute("DROP TRIGGER log_entries_append_only ON log_entries")
    op.execute("DROP FUNCTION refuse_changes()")
    op.drop_index(op.f('presses_at_idx'), table_name='presses')
    op.drop_table('presses')
    op.drop_table('channels')
    op.drop_index('deliveries_bundle_idx', table_name='deliveries', postgresql_where=sa.text('bundle IS NOT NULL'))
    op.drop_index('deliveries_edit_due_at_idx', table_name='deliveries', postgresql_where=sa.text('edit_due_at IS NOT NULL'))
    op.drop_index('deliveries_state_idx', table_name='deliveries')
    op.drop_index('deliveries_alert_id_channel_key', table_name='deliveries')
    op.drop_table('deliveries')
    op.drop_index(op.f('web_sessions_person_id_idx'), table_name='web_sessions')
    op.drop_table('web_sessions')
    op.drop_index('statements_case_id_template_version_key', table_name='statements')
    op.drop_table('statements')
    op.drop_table('sign_in_links')
    op.drop_index(op.f('review_items_review_id_idx'), table_name='review_items')
    op.drop_table('review_items')
    op.drop_index('memberships_telling_idx', table_name='memberships')
    op.drop_index(op.f('memberships_case_id_idx'), table_name='memberships')
    op.drop_table('memberships')
    op.drop_index('clocks_due_at_idx', table_name='clocks', postgresql_where=sa.text('stopped_at IS NULL'))
    op.drop_index('clocks_case_id_name_key', table_name='clocks')
    op.drop_table('clocks')
    op.drop_index('alerts_state_idx', table_name='alerts')
    op.drop_index('alerts_case_id_desk_key', table_name='alerts')
    op.drop_table('alerts')
    op.drop_table('tallies')
    op.drop_index(op.f('sources_due_at_idx'), table_name='sources')
    op.drop_table('sources')
    op.drop_index('sign_in_attempts_subject_at_idx', table_name='sign_in_attempts')
    op.drop_table('sign_in_attempts')
    op.drop_index('sightings_post_id_idx', table_name='sightings')
    op.drop_table('sightings')
    op.drop_index('routings_case_id_idx', table_name='routings')
    op.drop_index('routings_at_idx', table_name='routings')
    op.drop_table('routings')
    op.drop_table('reviews')
    op.drop_index('posts_source_published_at_idx', table_name='posts')
    op.drop_index('posts_external_id_idx', table_name='posts', postgresql_ops={'external_id': 'text_pattern_ops'})
    op.drop_table('posts')
    op.drop_table('post_keys')
    op.drop_table('people')
    op.drop_index(op.f('media_post_id_idx'), table_name='media')
    op.drop_table('media')
    op.drop_index('log_entries_case_id_at_idx', table_name='log_entries')
    op.drop_table('log_entries')
    op.drop_table('heartbeats')
    op.drop_index(op.f('gaps_source_idx'), table_name='gaps')
    op.drop_table('gaps')
    op.drop_index(op.f('failures_at_idx'), table_name='failures')
    op.drop_table('failures')
    op.drop_table('cursors')
    op.drop_index('cases_touched_at_idx', table_name='cases')
    op.drop_index('cases_queue_idx', table_name='cases')
    op.drop_index('cases_last_post_at_idx', table_name='cases')
    op.drop_table('cases')
    op.drop_table('assessments')
