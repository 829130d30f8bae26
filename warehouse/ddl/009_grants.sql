-- Who may touch what in meta (spec/marts.md, Roles). Grants on raw and personal follow the contract's tables.
grant select on all tables in schema meta to loader, transformer;
grant insert on meta.deliveries, meta.delivery_files, meta.ledger to loader;
grant insert, update on meta.weighed_intakes to loader;
grant insert, update, delete on meta.intakes, meta.openings, meta.findings, meta.loads, meta.arrivals to loader;
grant insert, update on meta.builds, meta.build_units, meta.current_units to transformer;
grant delete on meta.current_units, meta.build_units to transformer;
grant select on meta.ledger, meta.findings, meta.deliveries, meta.delivery_files, meta.visible_deliveries to auditor;
grant select on meta.current_units to bi_reader, branch_reader, quarter_keeper;
grant select on meta.branch_access to branch_reader;
grant select on meta.deliveries, meta.delivery_files, meta.visible_deliveries, meta.reference_versions to quarter_keeper;

-- The marts join whole deliveries whose size the planner often cannot know yet: never row by row.
do $$
begin
    execute format('alter role transformer in database %I set enable_nestloop = off', current_database());
end
$$;
