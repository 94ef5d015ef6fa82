"""What SQLAlchemy's dialect suite may ask of SQLite, and of a store: the same.

Where SQLAlchemy's own tests leave something open for SQLite, so does this. It is closed only where
they say, too, that SQLite has no such thing.
"""

from __future__ import annotations

from sqlalchemy.testing import exclusions
from sqlalchemy.testing.requirements import SuiteRequirements

OPEN = """
    autocommit isolation_level skip_autocommit_rollback dbapi_lastrowid
    server_defaults expression_server_defaults
    computed_columns computed_columns_virtual computed_columns_stored
    computed_columns_reflect_persisted
    create_table_as create_temp_table_as table_ddl_if_exists index_ddl_if_exists
    views view_reflection view_column_reflection temporary_views
    temporary_tables temp_table_names temp_table_reflection temp_table_reflect_indexes
    has_temp_table
    check_constraint_reflection inline_check_constraint_reflection reflects_pk_names
    foreign_key_constraint_name_reflection foreign_key_constraint_option_reflection_ondelete
    foreign_key_constraint_option_reflection_onupdate
    fk_constraint_option_reflection_ondelete_noaction
    fk_constraint_option_reflection_ondelete_restrict
    fk_constraint_option_reflection_onupdate_restrict
    repeated_column_foreign_keys repeated_remote_col_foreign_keys
    indexes_check_column_order indexes_with_expressions reflect_table_options
    ctes ctes_with_values fetch_expression fetch_offset_with_options window_functions window_range
    window_range_numeric tuple_in tuple_in_w_empty update_from order_by_collation regexp_match
    supports_bitwise_and supports_bitwise_not supports_bitwise_or supports_bitwise_shift
    supports_bitwise_xor
    json_type json_array_indexes legacy_unconditional_json_extract
    date_historic datetime_historic datetime_literals nvarchar_types infinity_floats
    float_or_double_precision_behaves_generically precision_numerics_retains_significant_digits
    unicode_ddl percent_schema_names
"""

CLOSED = """
    independent_connections implicitly_named_constraints json_index_supplementary_unicode_element
    parens_in_union_contained_select_w_limit_offset parens_in_union_contained_select_wo_limit_offset
"""
"""Of what is open for other databases."""


class Requirements(SuiteRequirements):
    """``OPEN`` and ``CLOSED``, and what is not a yes or a no."""

    def get_isolation_levels(self, config):
        levels = config.db.dialect.get_isolation_level_values(None)
        return {"default": "SERIALIZABLE", "supported": levels}

    def get_order_by_collation(self, config):
        return "NOCASE"


def _always(make):
    return property(lambda self: make())


for _name in OPEN.split():
    setattr(Requirements, _name, _always(exclusions.open))
for _name in CLOSED.split():
    setattr(Requirements, _name, _always(exclusions.closed))
