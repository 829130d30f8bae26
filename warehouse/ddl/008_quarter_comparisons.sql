-- What is said beside frozen figures: how they compare with earlier quarters, and with what the warehouse says now.
create or replace function quarters.create_comparisons() returns void
language plpgsql
as $$
begin
end
$$;
