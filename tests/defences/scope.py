"""Which tests have to have a defence, and which of them can't have one."""

from __future__ import annotations

from typing import Final

SCOPE: Final = (
    "core/test_fault_matrix.py::test_*",
    "core/test_fault_places.py::test_*",
    "core/test_fail_safe.py::test_*",
    "core/test_breaker.py::test_*",
    "core/test_answers.py::test_*",
    "core/test_late.py::test_*",
    "core/test_listings.py::test_*",
    "core/test_spot.py::test_on_error_*",
    "s3/test_s3_faults.py::test_*",
    "s3/test_s3_failures.py::test_*",
    # results that wait, exits, kill -9, power loss
    "core/test_unsaved.py::test_*",
    "core/test_saver.py::test_*",
    "core/test_interrupts.py::test_*",
    "core/test_crash.py::test_*",
    "core/test_long_run.py::test_*",
    # who asks at the same time
    "core/test_once.py::test_*",
    # fork, spawn, pickle
    "core/test_forks.py::test_*",
    "core/test_sending.py::test_*",
    "core/test_sending_pools.py::test_*",
    "core/test_stacks.py::test_*",
    "core/test_metadata_forks.py::test_*",
    "core/test_metadata_processes.py::test_*",
    "core/test_leases.py::test_*",
    "core/test_corners.py::test_a_child_begins*",
    "core/test_corners.py::test_work_*",
    "core/test_lessons_running.py::test_a_child_forked*",
    "core/test_gate.py::test_after_a_fork*",
    "core/test_limits_more.py::test_a_fork*",
    "core/test_limits_together.py::test_a_fork*",
    "core/test_limits_by_key.py::test_a_fork*",
    "core/test_spot.py::test_a_thousand_spots*",
    "local/test_limiter.py::test_a_fork*",
    "local/test_limiter_processes.py::test_*",
    "local/test_limiter_shared.py::test_what_a_forked*",
    "s3/test_s3_storage.py::test_a_forked*",
    # cleaning up
    "core/test_cleaning.py::test_*",
    "core/test_cleaning_blobs.py::test_*",
    "s3/test_s3_cleaning.py::test_*",
    # hostile data
    "core/test_hostile_blobs.py::test_*",
    "core/test_hostile_config.py::test_*",
    "core/test_hostile_database.py::test_*",
    "core/test_signing.py::test_*",
    "core/test_spot.py::test_a_name_can_not_leave*",
    "core/test_spot.py::test_files_are_private*",
    "local/test_local_storage.py::test_a_location_is_a_str*",
    "local/test_local_storage.py::test_what_one_system_or_another_cannot_have*",
    "local/test_local_storage.py::test_links_are_refused*",
    "local/test_local_storage.py::test_a_link_put_there*",
    "local/test_local_storage.py::test_a_fifo*",
    "local/test_local_storage.py::test_a_socket*",
    "local/test_local_storage.py::test_a_device*",
    "local/test_local_storage.py::test_modes_are_private*",
    "s3/test_s3_storage.py::test_a_location_elsewhere*",
    "s3/test_s3_storage.py::test_a_prefix_never*",
    "s3/test_s3_storage.py::test_no_secret*",
    "s3/test_s3_storage.py::test_a_wrong_endpoint*",
    # places
    "core/test_places.py::test_*",
    "core/test_metadata_places.py::test_*",
    "core/test_metadata_damage.py::test_*",
    "core/test_schema.py::test_a_migration_*",
    "core/test_schema.py::test_a_newer_database*",
    "core/test_schema.py::test_a_table_of_another*",
    "core/test_schema.py::test_foreign_tags*",
    "core/test_schema.py::test_processes_*",
    "core/test_schema.py::test_threads_*",
    "core/test_spot.py::test_a_storage_out_of_reach*",
    "core/test_spot.py::test_what_does_not_close*",
    "local/test_local_storage.py::test_a_directory_that_vanishes*",
    "local/test_local_storage.py::test_folders_that_are_removed*",
    "local/test_local_storage.py::test_a_full_disk*",
    "local/test_local_storage.py::test_a_save_that_is_stopped*",
    "local/test_local_storage.py::test_short_writes*",
    "local/test_local_storage.py::test_a_read_only*",
    "local/test_local_storage.py::test_what_may_not_be_read*",
    "local/test_local_storage.py::test_fsync_of*",
    "local/test_local_storage.py::test_a_file_that_vanishes*",
    "local/test_local_storage.py::test_what_a_killed_process_left*",
    "local/test_local_storage.py::test_a_sweep_touches*",
    "local/test_local_storage.py::test_what_cannot_be_swept*",
    "s3/test_s3_server.py::test_*",
    # clocks
    "local/test_limiter.py::test_a_suspended*",
    "local/test_limiter.py::test_a_waiter_that_wakes*",
    "local/test_limiter.py::test_a_clock_that_fails*",
    "local/test_limiter_shared.py::test_a_restarted*",
    "local/test_limiter_shared.py::test_without_a_boot*",
    "local/test_limiter_shared.py::test_a_damaged*",
    "local/test_limiter_shared.py::test_a_deleted*",
    "local/test_limiter_shared.py::test_a_lock_that*",
    "local/test_limiter_shared.py::test_an_error_inside*",
    # databases on network file systems
    "core/test_network.py::test_*",
    "core/test_network_mount.py::test_*",
    # rows that are kept while nobody commits
    "core/test_quiescence.py::test_*",
    "core/test_quiescence_model.py::test_*",
    "core/test_row_cache_processes.py::test_*",
)

_TABLE = "it is about the table of faults"
_LONG = "minutes long: the long form of a test that has its defence"
_CONTRARY = "the contrary: that a defence refuses no more than it has to"
_FORM = "how something is written or chosen: it meets no fault"
_MODEL = "a model, which takes the defences out by itself, and holds no source of ours"
_BELOW = "it holds by Python or SQLite, or by construction: nothing of ours can be taken out"

EXEMPT: Final = {
    "core/test_fault_matrix.py::test_no_cell_is_empty": _TABLE,
    "core/test_crash.py::test_killed_while_saving_hundreds_of_times*": _LONG,
    "core/test_long_run.py::test_eight_processes*": _LONG,
    "core/test_row_cache_processes.py::test_no_reader_sees*[1000]": _LONG,
    "core/test_long_run.py::test_a_soak*": _LONG,
    "core/test_quiescence_model.py::test_*": _MODEL,
    "core/test_sending.py::test_a_backend_that_can_travel_does": _CONTRARY,
    "core/test_signing.py::test_forms_of_a_key*": _CONTRARY,
    "core/test_signing.py::test_what_decides_nothing_is_not*": _CONTRARY,
    "core/test_metadata_places.py::test_a_network_file_system_is_known[*-None]": _CONTRARY,
    "core/test_cleaning.py::test_sizes": _FORM,
    "s3/test_s3_failures.py::test_a_profile": _FORM,
    "s3/test_s3_failures.py::test_a_region_is_not_needed": _FORM,
    "core/test_saver.py::test_a_value_changed_after_the_call*": _BELOW,
    "core/test_once.py::test_the_second_event_loop_works_as_the_first": _BELOW,
    "core/test_sending.py::test_functions_of_a_module_travel_by_name[spawn]": _BELOW,
    "core/test_metadata_processes.py::test_an_interpreter_ends_quietly*": _BELOW,
    "core/test_quiescence.py::test_a_descriptor_that_only_names_a_file*": _BELOW,
    "core/test_hostile_database.py::test_programs_that_come_later*": _BELOW,  # before Python 3.12
}
