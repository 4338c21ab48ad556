//! A small data set: pages of a company's handbook, and questions that call the tools by the names
//! that people there use. No model can know these names, because the pages do not mention them;
//! that is what fine-tuning teaches.

use std::env;

use embedtune::{
    data::{BeirData, Corpus, Document, Queries, Split},
    metrics::Qrels,
};

struct Page {
    title: &'static str,
    text: &'static str,
    train: [&'static str; 3],
    test: [&'static str; 2],
}

/// The data set, or the BEIR directory that is the second argument.
pub(crate) fn data() -> anyhow::Result<BeirData> {
    if let Some(path) = env::args_os().nth(2) {
        return Ok(BeirData::open(path)?);
    }
    let (mut corpus, mut queries) = (Corpus::new(), Queries::new());
    let (mut train, mut test) = (Qrels::new(), Qrels::new());
    for (number, page) in PAGES.iter().enumerate() {
        let id = format!("page{number}");
        corpus.push(Document {
            id: id.clone(),
            title: page.title.to_owned(),
            text: page.text.to_owned(),
        });
        for (split, texts) in [(&mut train, &page.train[..]), (&mut test, &page.test[..])] {
            for text in texts {
                let query = format!("q{}", queries.len());
                queries.push(query.clone(), *text);
                split.insert(&query, &id, 1)?;
            }
        }
    }
    let mut data = BeirData::new("handbook", corpus, queries);
    data.insert(Split::Train, train);
    data.insert(Split::Test, test);
    Ok(data)
}

const PAGES: [Page; 12] = [
    Page {
        title: "Rolling out a new version",
        text: "Choose the revision, watch the health checks, and let traffic move over in steps.",
        train: ["how do I start kestrel", "kestrel is stuck at half", "who may stop a kestrel"],
        test: ["undo the last kestrel", "kestrel on a friday evening"],
    },
    Page {
        title: "Searching logs",
        text: "Filter lines by service and time, then keep the query for the next incident.",
        train: ["marrow query syntax", "how long does marrow keep things", "share a marrow link"],
        test: ["marrow is slow today", "find an error in marrow"],
    },
    Page {
        title: "Writing a design document",
        text: "Copy the template, ask two colleagues to review, and record the decision at the end.",
        train: ["do I need a quill for this", "open a new quill", "nobody reads my quill"],
        test: ["when is a quill accepted", "old quills of my team"],
    },
    Page {
        title: "Booking leave",
        text: "Request days off in the calendar; your lead approves them within two working days.",
        train: ["put an otter in", "my otter was refused", "how many otters are left"],
        test: ["cancel an otter", "half an otter in the afternoon"],
    },
    Page {
        title: "Getting a laptop",
        text: "Order the machine, have its disk encrypted, and hand the old one in at the front desk.",
        train: ["my brick does not boot", "replace a brick", "which brick should I take"],
        test: ["a second brick for home", "brick was stolen"],
    },
    Page {
        title: "Dashboards",
        text: "Plot a metric, set the refresh interval, and share the board with your team.",
        train: ["add a panel to lantern", "lantern shows no data", "copy a lantern"],
        test: ["lantern for the night shift", "make a lantern public"],
    },
    Page {
        title: "Access to production",
        text: "Ask for a role for a limited time, give a reason, and have a second person approve.",
        train: ["tollgate has expired", "open the tollgate for me", "tollgate in an emergency"],
        test: ["who opened a tollgate last night", "longer tollgate"],
    },
    Page {
        title: "Changing a database schema",
        text: "Write the change and its reverse, try both on a copy, and run it outside peak hours.",
        train: ["run a mole", "a mole locked the table", "order of two moles"],
        test: ["mole failed halfway", "test my mole first"],
    },
    Page {
        title: "Sending e-mail to customers",
        text: "Take an approved template, try it with the staff list, and keep within the hourly limit.",
        train: ["pigeon limit per hour", "my pigeon was not delivered", "draft a pigeon"],
        test: ["pigeon in two languages", "stop a pigeon that is on its way"],
    },
    Page {
        title: "Feature switches",
        text: "Turn a function on for a share of users, measure, and remove the switch in the end.",
        train: ["plant something in the orchard", "orchard percentage", "clean the orchard up"],
        test: ["orchard for staff only", "who owns this orchard entry"],
    },
    Page {
        title: "Handing data to partners",
        text: "Agree on a format, encrypt the files, and deliver them to their storage every night.",
        train: ["ferry did not arrive", "a new ferry for a customer", "what is on the ferry"],
        test: ["ferry twice a day", "the ferry came empty"],
    },
    Page {
        title: "Load tests",
        text: "Replay recorded traffic against a copy and raise the rate until latency bends.",
        train: ["book the anvil", "the anvil broke staging", "anvil results of last month"],
        test: ["anvil before the sale", "how hot may the anvil get"],
    },
];
