// How the search orders its results: Sphinx's own points, but what explains comes before what records.
var Scorer = {
  score: ([page, _title, _anchor, _description, points]) =>
    /CHANGELOG|CONTRIBUTING|decisions|house|performance/.test(page) ? points / 4
      : /plugins|beautyspot-|coming-from/.test(page) ? points / 2
      : points,
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
