-- PAR 180 lies within PAR 90, that within PAR 30 and PAR 1, all within the outstanding.
select
    branch_code,
    format('in %s rows the portfolio at risk is not par180 <= par90 <= par30 <= par1 <= outstanding', count(*)) as message
from quarters.loan_balances
where
    quarter_code = {code} and version = {version}
    and not (
        par180_vnd between 0 and par90_vnd and par90_vnd <= par30_vnd and par30_vnd <= par1_vnd
        and par1_vnd <= outstanding_vnd
    )
group by branch_code
