-- Law 5: entry numbers without a gap, each entry chained to the one before by a hash of all that it says.
select
    format('ledger entry %s', l.entry_no),
    case
        when l.entry_no <> row_number() over chain then 'entries before it are missing'
        when l.previous_hash <> coalesce(lag(l.hash) over chain, '') then 'it is not chained to the entry before it'
        when l.hash <> meta.ledger_hash(l) then 'it was changed after it had been written'
    end
from meta.ledger as l
window chain as (order by l.entry_no)
order by l.entry_no
