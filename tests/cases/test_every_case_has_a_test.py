"""Each observation of newcomer.md and field.md, and the test that holds it, or the reason why there is none."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

COMMAND_LINE = "cases/test_newcomer_command_line.py"
INPUTS = "cases/test_newcomer_inputs.py"
RUNS = "cases/test_newcomer_runs.py"
SIGN_IN = "cases/test_newcomer_sign_in.py"
FIELD = "cases/test_field_cases.py"
LANGUAGE = "cases/test_newcomer_language.py"
HELP = "cli/test_cli_help.py"
CODES = "cli/test_cli_exit_codes.py"
STREAMS = "cli/test_cli_streams.py"
HUMAN = "views/test_views_human.py"
PLAN = "views/test_views_plan_text.py"
DOCS = "docs/test_docs.py"

HELD = {
    # 1. README, two commands, bare environment
    "1 the first command is one line that applies the quickstart": (
        f"{DOCS}::test_the_first_command_is_one_line_and_applies_the_quickstart"
    ),
    "1 the second apply reports once that nothing changed": (
        f"{HUMAN}::test_an_apply_without_changes_shows_the_state_and_the_verify_command"
    ),
    "1 nothing in the output names the sandbox": f"{STREAMS}::test_every_plan_header_names_the_sandbox",
    "1 an environment that leads to the sandbox": f"{STREAMS}::test_an_environment_of_the_sandbox_is_shown",
    "1 the numbers do not add up": f"{STREAMS}::test_the_counts_of_a_run_are_one_story",
    "1 what was achieved is not shown": f"{STREAMS}::test_the_last_lines_of_an_apply_state_what_is_true_now",
    "1 created after 0s": f"{LANGUAGE}::test_no_text_is_worded_as_before",
    "1 the CI example works in other repositories": "docs/test_ci_example.py::test_it_works_in_a_repository_that_is_not_ours",
    "1 reviewers see the plan": "docs/test_ci_example.py::test_apply_waits_for_plan_and_for_the_reviewers",
    "1 tests with time limits": "invariants/test_round_trips.py::test_a_plan_is_at_most_five_round_trips_deep",
    # 3. Help, completion, version
    "3 help in a pipe, at any width": f"{HELP}::test_help_uses_the_width_of_the_terminal",
    "3 completion": f"{HELP}::test_each_shell_has_a_completion_script",
    "3 -V and version": f"{HELP}::test_version_is_the_version",
    "3 cmkctl help plan": f"{HELP}::test_help_is_a_command_too",
    "3 a group alone is its help": f"{CODES}::test_a_group_of_commands_alone_is_its_help",
    "3 cut summaries, examples, variables": f"{HELP}::test_help_is_the_golden_text",
    "3 framework leaks": f"{HELP}::test_help_has_no_type_names_of_the_framework",
    "3 FORCE_COLOR": f"{HUMAN}::test_colours_can_be_forced_in_a_pipe_without_live_lines",
    "3 --sandbox before the command, terraform habits": f"{HELP}::test_habits_from_elsewhere_get_a_hint",
    "3 -o json": f"{COMMAND_LINE}::test_a_wrong_option_has_the_right_one_and_no_other",
    "3 pydantic's prefix, three styles, exit codes": (
        f"{COMMAND_LINE}::test_a_wrong_value_is_a_usage_error_in_our_words"
    ),
    "3 usage errors point to the subcommand": (
        f"{COMMAND_LINE}::test_a_misspelt_command_is_suggested_once_and_in_full"
    ),
    "3 explain has no list and no search": f"{COMMAND_LINE}::test_explain_finds_codes_fields_and_words",
    "3 explain CMK999": f"{HELP}::test_explain_lists_searches_and_explains_fields",
    # 4. Interactive apply
    "4 80x24, the block twice, the header gone": f"{STREAMS}::test_all_that_is_approved_is_on_a_screen_of_24_lines",
    "4 the question names neither workspace nor region": (
        f"{HUMAN}::test_the_question_names_workspace_region_and_subscription"
    ),
    "4 y, YES, no, Enter": f"{STREAMS}::test_apply_prompts_on_a_terminal",
    "4 Ctrl-D": f"{HUMAN}::test_an_answer_that_is_never_given_leaves_the_line",
    "4 Ctrl-C at the question": f"{STREAMS}::test_ctrl_c_at_the_question_reports_that_nothing_changed",
    "4 resize": f"{HUMAN}::test_no_live_line_is_left_behind_when_the_window_is_resized",
    "4 until 16:06 UTC": f"{HUMAN}::test_the_end_of_a_wait_is_in_local_time_and_always_there_with_debug",
    "4 usually, n of m": f"{HUMAN}::test_live_lines_show_how_much_is_done",
    "4 Ctrl-C during a wait": f"{STREAMS}::test_an_interrupted_apply_exits_130_and_lists_operations_in_progress",
    "4 Ctrl-C in the first 0.4 s": "cli/test_cli_interrupted.py::test_ctrl_c_during_the_imports_is_one_line_and_130",
    "4 head -1": f"{STREAMS}::test_a_reader_that_leaves_early_is_no_failure_to_look_at",
    "4 no terminal": f"{CODES}::test_apply_in_a_pipe_without_yes_is_64_and_writes_nothing",
    "4 /dev/full": f"{STREAMS}::test_a_full_disk_is_no_defect_of_ours",
    "4 the hint loses --sandbox": f"{STREAMS}::test_every_plan_header_names_the_sandbox",
    "4 the hint loses --state": f"{COMMAND_LINE}::test_the_hint_to_start_a_sandbox_keeps_its_state_file",
    "4 a saved plan knows its target": "saved_plan/test_saved_plan_target.py",
    "4 the table does not align": f"{PLAN}::test_descriptions_begin_at_one_column",
    "4 the workspace's row": f"{PLAN}::test_a_plan_reads_like_this",
    # 5. Wrong inputs
    "5 section typo, field typo": f"{INPUTS}::test_one_typo_is_one_error",
    "5 wrong value, type, range, size": "profile/test_profile_wrong_values.py::test_a_wrong_value_has_an_example",
    "5 the example true is a nudge": f"{INPUTS}::test_an_irreversible_choice_is_not_recommended_either_way",
    "5 tab, colons, encodings, empty, comments, many tags": f"{INPUTS}::test_a_file_that_is_no_profile_is_explained",
    "5 caret": "profile/test_profile_offline.py::test_a_diagnostic_has_its_line_and_a_caret",
    "5 BOM, CRLF, East US 2": f"{INPUTS}::test_what_is_right_stays_right",
    "5 alias bomb": "profile/test_profile_files.py::test_aliases_that_multiply_are_refused",
    "5 ${UNSET}": "profile/test_profile_environment.py::test_a_variable_that_is_not_set_is_named_with_ways_to_set_it",
    "5 extends circle, missing, URL": f"{INPUTS}::test_a_file_that_is_no_profile_is_explained",
    "5 --set, YAML advice for --set": f"{INPUTS}::test_an_override_is_refused_with_what_to_write",
    "5 subscription by name, short GUID": f"{INPUTS}::test_an_override_is_refused_with_what_to_write",
    "5 subscription zero GUID": f"{RUNS}::test_an_absent_subscription_is_reported_once_with_the_command_that_lists_them",
    "5 names: the broken condition first": "profile/test_profile_offline.py::test_the_condition_that_is_broken_comes_first",
    "5 eastuss2": f"{INPUTS}::test_an_override_is_refused_with_what_to_write",
    "5 key.expires 2020": (
        "profile/test_profile_offline.py::test_an_expiry_in_the_past_ends_the_command_before_any_request"
    ),
    "5 key.expires in two days": f"{RUNS}::test_an_expiry_that_is_near_is_warned_of_before_anything_is_created",
    "5 name and id, HSM and standard, service-side and throughput": (
        "profile/test_profile_contradictions.py::test_a_contradiction_is_one_diagnostic"
    ),
    "5 a profile without permission": "profile/test_profile_files.py::test_an_unreadable_file_is_cmk001",
    "5 --out, --record, --report into nowhere": (
        f"{RUNS}::test_a_file_that_cannot_be_written_is_known_before_any_request"
    ),
    "5 --out -, init -, plan -": f"{STREAMS}::test_standard_input_and_output_are_a_dash",
    "5 plan ''": f"{COMMAND_LINE}::test_an_empty_argument_is_an_unset_variable",
    "5 --state without --sandbox": f"{CODES}::test_a_state_file_without_the_sandbox_is_64",
    "5 --timeout 0s": f"{COMMAND_LINE}::test_a_wrong_value_is_a_usage_error_in_our_words",
    "5 no credential, text cut": "azure/test_azure_sign_in.py::test_a_chain_without_any_credential_lists_what_was_tried",
    "5 --auth cli without az, environment": f"{SIGN_IN}::test_without_a_credential_the_remedy_is_that_of_the_way",
    "5 AZURE_TENANT_ID=foo/bar": f"{SIGN_IN}::test_a_tenant_that_cannot_be_one_is_named",
    "5 proxy, SOCKS": f"{SIGN_IN}::test_a_proxy_that_cannot_be_used_is_blamed",
    "5 wrong CA": "cli/test_cli_sign_in.py::test_a_ca_bundle_that_cannot_be_read_is_named_by_its_variable",
    "5 wrong secret": f"{CODES}::test_a_wrong_secret_is_1",
    "5 Reader: five identical blocks": f"{RUNS}::test_denials_of_the_same_kind_are_one_block",
    "5 two plans at once": f"{RUNS}::test_two_plans_at_once_over_one_state_both_end_well",
    # 6. --json
    "6 every line is JSON": f"{STREAMS}::test_json_is_json_lines_for_every_command",
    "6 usage errors": f"{COMMAND_LINE}::test_usage_errors_are_json_lines_too",
    "6 did anything change, duration, timestamps, closing line, conflicts": (
        f"{RUNS}::test_a_failed_run_and_a_conflict_end_with_a_line_and_its_code"
    ),
    "6 resource ids": "views/test_views_json.py::test_a_resource_id_is_one_of_resource_manager",
    "6 a change that was not needed": f"{STREAMS}::test_the_counts_of_a_run_are_one_story",
    # 7. init and existing things
    "7 init, then plan without an argument": (
        f"{HELP}::test_the_profile_of_the_folder_and_the_environment_are_defaults"
    ),
    "7 an existing workspace": f"{RUNS}::test_an_existing_workspace_gets_the_lines_to_paste",
    # 7a. verify and plan report what is not so
    "7a seven fields": f"{RUNS}::test_verify_sees_every_field_that_was_changed_afterwards",
    "7a every field": "steps/test_no_field_is_silent.py",
    # 8, 9
    "8 links, generated pages": f"{DOCS}::test_what_a_page_points_at_is_there",
    "9 the table of rewrites": f"{LANGUAGE}::test_no_text_is_worded_as_before",
    # field.md
    "G1 a token that ends": "azure/test_azure_sign_in.py::test_a_token_is_used_to_its_end_when_no_other_is_to_be_had",
    "G1 and is over": "azure/test_azure_sign_in.py::test_an_expired_token_names_the_federated_login",
    "G1 siblings through az": f"{SIGN_IN}::test_each_error_of_az_leads_to_its_own_diagnostic",
    "G2 a slow az": "azure/test_azure_sign_in.py::test_an_az_that_is_slow_has_a_minute_and_a_diagnostic",
    "G3 the client id": "azure/test_azure_sign_in.py::test_a_managed_identity_is_requested_by_its_client_id",
    "G4 insufficient claims": f"{FIELD}::test_graph_that_may_not_be_read_has_its_way_out",
    "G5 Crypto Officer": f"{FIELD}::test_an_identity_that_can_use_the_key_by_another_role_needs_no_grant",
    "G6 network of the vault": "azure/test_remedies_followed.py::test_the_key_vault_gets_the_network_that_a_policy_wants",
    "G7 shared keys": (
        "azure/test_remedies_followed.py::test_a_storage_account_with_shared_keys_is_not_blamed_on_microsofts_group"
    ),
    "G8 a required tag": "azure/test_remedies_followed.py::test_a_required_tag_is_added_to_the_profile",
    "G9 reserved words": f"{INPUTS}::test_an_override_is_refused_with_what_to_write",
    "G10 taken names": ("invariants/test_foreseen.py::test_what_a_read_foresees_stops_the_run_before_a_vault_exists"),
    "G11 expiry": f"{RUNS}::test_an_expiry_that_is_near_is_warned_of_before_anything_is_created",
    "G12 Application Insights": (
        f"{FIELD}::test_application_insights_that_does_not_see_its_workspace_yet_is_created_again"
    ),
    "G13 both identities": f"{FIELD}::test_a_workspace_with_both_identities_has_a_way_to_write_it",
    "G14 a given component": f"{FIELD}::test_a_given_application_insights_needs_no_log_analytics_workspace",
    "G15 network of the storage account": f"{INPUTS}::test_an_override_is_refused_with_what_to_write",
    "G16 lock": f"{FIELD}::test_a_lock_is_named_and_its_removal_is_the_way_out",
    "G17 access policy": f"{FIELD}::test_a_wrong_access_policy_blames_the_object_id_or_the_tenant",
    "keep: Graph 403": f"{FIELD}::test_graph_that_may_not_be_read_has_its_way_out",
    "keep: UTF-16": "profile/test_profile_offline.py::test_another_encoding_is_named",
}
"""The test for each case: a node, or a whole file."""

NOT_HELD = {
    "1 size and time of the installation": "depends on the network and on other packages' releases; README states it",
    "1 pip install --quiet": "the README's command is held by docs/test_docs.py, its sign of life is pip's own",
    "3 no man page": "not made: help in the terminal and docs/cli.md have the same text",
    "5 another tenant's GUID in the sandbox": "docs/sandbox.md states which tenants the sandbox accepts",
    "6 SARIF, JUnit, ::error": "not promised; docs/output.md has jq recipes",
    "7 init flags and questions": "not promised by the issue: a profile is edited, and docs name the az commands that list ids",
    "8 no site": "the documentation is read in the repository",
}
"""The reason for each case without a test."""


@cache
def functions_of(path: Path) -> frozenset[str]:
    """Return the names of the test functions of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef))


@pytest.mark.parametrize("case", HELD)
def test_the_test_of_a_case_exists(case: str) -> None:
    """A renamed or deleted test leaves a case without one."""
    file, _, name = HELD[case].partition("::")
    path = TESTS / file

    assert path.is_file(), file
    assert not name or name in functions_of(path), name


def test_no_case_is_both() -> None:
    """A case has a test or a reason."""
    assert not HELD.keys() & NOT_HELD.keys()
    assert all(NOT_HELD.values())
