-- Registers are taken from the same deliveries: no group without its office.
select
    savings_groups.group_code,
    savings_groups.office_code
from {{ candidates(ref('dim_savings_group')) }} as savings_groups
left join {{ candidates(ref('dim_office')) }} as offices
    on
        savings_groups.current_branch_code = offices.current_branch_code
        and savings_groups.office_code = offices.office_code
where offices.office_code is null
